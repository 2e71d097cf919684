"""`python -m benchmarks.corpus.applications FOLDER`: print how many Applications argosy finds there, and renders."""

from __future__ import annotations

import json
import sys
from pathlib import Path

if __name__ == "__main__":
    from argosy import cache
    from argosy.argocd.view import key
    from argosy.validation import pipeline

    with cache.off():
        view = pipeline.look(Path(sys.argv[1]), pipeline.Options()).view
    known = [key(each) not in view.partial for each in view.applications]
    print(json.dumps({"found": len(known), "rendered": sum(known)}))
