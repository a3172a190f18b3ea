#!/bin/sh
# What the pipelines of this repository do, in one place: `lineal ci init` wrote it, and the pipelines only call it.
#
#   sh ci/lineal.sh pull [ALIAS]          bring the model's bytes (ALIAS: those of the version that it names)
#   sh ci/lineal.sh build                 make what is out of date, and commit it here; nothing is sent
#   sh ci/lineal.sh test                  run the model's own tests
#   sh ci/lineal.sh check ALIAS [BASE]    judge it by the policy, on a proposal by that of the branch BASE
#   sh ci/lineal.sh publish BRANCH        send the bytes, then the commit
#   sh ci/lineal.sh promote ALIAS [FROM]  give it the alias (FROM: to the version that this alias names)
#   sh ci/lineal.sh comment NUMBER        write the verdict under a pull request of GitHub, or update it there
#
# `check` exits with 1 where a check fails and `promote` with 3 where the policy refuses; the rest of the job is not run.
set -eu

# What is this repository's own. A variable of the same name, in the job, wins.
model=@MODEL@
tests=@TEST@
build=@BUILD@
add=@ADD@
model=${LINEAL_MODEL:-$model}   # as `lineal ls --models` names it
tests=${LINEAL_TEST:-$tests}    # a command line
build=${LINEAL_BUILD-$build}    # a command line; empty where models are not made here
add=${LINEAL_ADD-$add}          # the file that it makes and `dvc add` keeps; empty where dvc.yaml has its stage
remote=${LINEAL_GIT_REMOTE:-origin}
reports=${LINEAL_REPORTS:-ci-reports}
candidate=lineal-candidate      # a tag of this clone only: it marks the commit that is judged

PATH=$PATH:${HOME:-/nonexistent}/.local/bin
DVC_NO_ANALYTICS=1
# A machine has no name of its own, and git makes neither commits nor tags without one.
GIT_AUTHOR_NAME=${GIT_AUTHOR_NAME:-Lineal CI}
GIT_AUTHOR_EMAIL=${GIT_AUTHOR_EMAIL:-lineal-ci@localhost}
GIT_COMMITTER_NAME=${GIT_COMMITTER_NAME:-$GIT_AUTHOR_NAME}
GIT_COMMITTER_EMAIL=${GIT_COMMITTER_EMAIL:-$GIT_AUTHOR_EMAIL}
GIT_TERMINAL_PROMPT=0
export PATH DVC_NO_ANALYTICS GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_TERMINAL_PROMPT

# A token to push with is given in LINEAL_PUSH_TOKEN: it stands in no URL, no file and no list of processes.
if [ -n "${LINEAL_PUSH_TOKEN:-}" ]; then
    GIT_CONFIG_COUNT=2
    GIT_CONFIG_KEY_0=credential.helper GIT_CONFIG_VALUE_0=
    GIT_CONFIG_KEY_1=credential.helper
    # shellcheck disable=SC2016,SC2089,SC2090 # a text for git, whose own shell fills it in
    GIT_CONFIG_VALUE_1='!f() { echo "username=${LINEAL_PUSH_USER:-oauth2}"; echo "password=$LINEAL_PUSH_TOKEN"; }; f'
    # shellcheck disable=SC2090
    export GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0 GIT_CONFIG_KEY_1 GIT_CONFIG_VALUE_1
fi

say() { printf '%s\n' "ci/lineal.sh: $*" >&2; }

fail() {
    say "$1"
    exit "${2:-1}"
}

# Versions are counted and named by the whole history and its tags; a shallow clone would give wrong answers.
whole_history() {
    if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
        git fetch --quiet --unshallow --tags "$remote" || fail 'this clone is shallow, and the rest cannot be fetched' 6
    fi
}

mark() {
    whole_history
    git tag --force "$candidate" HEAD >/dev/null
    printf '%s@alias:%s' "$model" "$candidate"
}

# The id of a version: with DVC the commit that it came with. Nothing where there is no such version.
id_of() { told "$1" id; }

told() {
    lineal show "$1" --format json 2>/dev/null \
        | python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2" 2>/dev/null || true
}

pull() {
    whole_history
    if [ $# -eq 0 ]; then
        dvc pull
        return
    fi
    # The version of an alias may be older than this commit: its bytes come into the same cache through a second work tree.
    commit=$(id_of "$model@alias:$1")
    [ -n "$commit" ] || fail "no version of $model is $1" 4
    top=$(git rev-parse --show-toplevel)
    cache=$(cd "$top" && dvc cache dir)
    place=$(mktemp -d)
    git worktree add --quiet --force --detach "$place/tree" "$commit"
    [ ! -f "$top/.dvc/config.local" ] || cp "$top/.dvc/config.local" "$place/tree/.dvc/config.local"
    status=0
    (cd "$place/tree" && dvc cache dir --local "$cache" && dvc fetch) || status=$?
    git worktree remove --force "$place/tree"
    rm -rf "$place"
    return "$status"
}

build() {
    [ -n "$build" ] || { say 'nothing is made here'; return 0; }
    dvc config --local core.autostage true
    sh -c "$build"
    [ -z "$add" ] || dvc add -- "$add"
    git add --update
    if git diff --cached --quiet; then
        say 'everything is up to date'
    else
        git commit --quiet --message "Build $model"
        git --no-pager log --max-count 1 --stat
    fi
}

run_tests() {
    [ -n "$tests" ] || fail 'no tests of the model are named: set LINEAL_TEST, or tests= in ci/lineal.sh' 2
    sh -c "$tests"
}

check() {
    alias=$1 base=${2:-}
    mkdir -p "$reports"
    version=$(mark)
    set -- "$version" --for "$alias"
    if [ -n "$base" ]; then
        # On a proposal the rules are those of the branch that it is for, and so are the programs that they run: a change
        # of the policy, or of a check's script, cannot let itself in.
        git fetch --quiet --tags "$remote" "+refs/heads/*:refs/remotes/$remote/*" 2>/dev/null \
            || git rev-parse --quiet --verify "refs/remotes/$remote/$base" >/dev/null \
            || fail "the branch $base is not here and cannot be fetched" 6
        set -- "$@" --policy-from "$remote/$base"
    else
        lineal trust --yes
    fi
    status=0
    lineal check "$@" --format json >"$reports/check.json" || status=$?
    [ "$status" -le 1 ] || return "$status"
    lineal ci show "$reports/check.json" --format junit >"$reports/check.xml"
    lineal ci show "$reports/check.json" --format md >"$reports/check.md"
    if [ "${GITHUB_ACTIONS:-}" = true ]; then
        lineal ci show "$reports/check.json" --format github
    else
        lineal ci show "$reports/check.json" --format table
    fi
    return "$status"
}

publish() {
    dvc push # first: whoever sees the commit can have the bytes
    git push --quiet ${LINEAL_PUSH_OPTION:+--push-option="$LINEAL_PUSH_OPTION"} "$remote" "HEAD:refs/heads/$1" \
        || fail "$1 could not be pushed, and git says why above: nothing was promoted"
}

# On a release the version is registered too, under the next number, unless it has one; both tags are pushed, or neither.
promote() {
    alias=$1 from=${2:-}
    if [ -n "$from" ]; then version="$model@alias:$from"; else version=$(mark); fi
    if [ "$(id_of "$version")" = "$(id_of "$model@alias:$alias")" ]; then
        say "$alias names this version already"
        return 0
    fi
    lineal trust --yes
    place=$(mktemp -d)
    tags >"$place/before"
    status=0
    if [ -z "$from" ] && [ "$(told "$version" kind)" != registered ]; then
        lineal register "$version" --yes --reason "$(whence)" || status=$?
    fi
    [ "$status" -ne 0 ] || lineal promote "$version" --to "$alias" --yes --reason "$(whence)" || status=$?
    tags >"$place/after"
    made=$(LC_ALL=C comm -13 "$place/before" "$place/after")
    rm -rf "$place"
    # shellcheck disable=SC2086 # names of tags hold no spaces
    if [ "$status" -eq 0 ] && [ -n "$made" ] && ! git push --quiet --atomic "$remote" $made; then
        say 'the tags could not be pushed, and git says why above'
        status=5
    fi
    if [ "$status" -ne 0 ]; then
        for tag in $made; do git update-ref -d "$tag"; done
        say "$alias is what it was"
    fi
    return "$status"
}

tags() { git for-each-ref --format='%(refname)' refs/tags | LC_ALL=C sort; }

# Which run of which pipeline this is: the reason that the promotion is recorded with.
whence() {
    if [ -n "${GITHUB_RUN_ID:-}" ]; then
        printf '%s' "CI: ${GITHUB_SERVER_URL:-}/${GITHUB_REPOSITORY:-}/actions/runs/$GITHUB_RUN_ID"
    else
        printf '%s' "CI: ${CI_JOB_URL:-${BUILD_URL:-by hand}}"
    fi
}

# Needs gh and GH_TOKEN. The first line of the verdict is a hidden marker; a comment that begins with it is updated.
comment() {
    file=$reports/check.md
    [ -f "$file" ] || { say "there is no verdict in $file"; return 0; }
    IFS= read -r marker <"$file"
    case $marker in
        '<!-- lineal-check:'*' -->') ;;
        *) fail "$file is no verdict" ;;
    esac
    export marker
    of=repos/$GITHUB_REPOSITORY/issues
    # shellcheck disable=SC2016 # $ENV is jq's
    known=$(gh api --paginate "$of/$1/comments" \
        --jq '.[] | select(.user.type == "Bot" and (.body | startswith($ENV.marker))) | .id' | tail -n 1)
    if [ -n "$known" ]; then
        gh api --silent --method PATCH "$of/comments/$known" --field "body=@$file"
    else
        gh api --silent --method POST "$of/$1/comments" --field "body=@$file"
    fi
}

step=${1:-}
[ $# -eq 0 ] || shift
case $step in
    pull | build | check | publish | promote | comment) "$step" "$@" ;;
    test) run_tests ;;
    *) fail "there is no step '$step': pull, build, test, check, publish, promote, comment" 2 ;;
esac
