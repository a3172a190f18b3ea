"""List a cache with the real client: `CACHE`; prints the models, their revisions, refs and files."""

import json
import sys

from huggingface_hub import scan_cache_dir

info = scan_cache_dir(sys.argv[1])
models = {
    repo.repo_id: {
        revision.commit_hash: {
            "refs": sorted(revision.refs),
            "files": {
                str(file.file_path.relative_to(revision.snapshot_path)): [file.size_on_disk, file.blob_path.name]
                for file in revision.files
            },
        }
        for revision in repo.revisions
    }
    for repo in info.repos
    if repo.repo_type == "model"
}
print(json.dumps({"models": models, "warnings": [str(warning) for warning in info.warnings]}))
