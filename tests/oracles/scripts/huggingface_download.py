"""Download with the real client: `CACHE REPO REVISION [PATTERN ...]`; prints the folder of the snapshot."""

import json
import sys

from huggingface_hub import snapshot_download

cache, repo, revision, *patterns = sys.argv[1:]
print(json.dumps(snapshot_download(repo, revision=revision, cache_dir=cache, allow_patterns=patterns or None)))
