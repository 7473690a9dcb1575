"""The ledger's pages as an ASGI application."""

from __future__ import annotations

import warnings

from django.core.asgi import get_asgi_application

# WhiteNoise returns files as plain iterators. Ours are a few kilobytes, so they may be read whole.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")

application = get_asgi_application()
