# Each target is one line, and this file is their manual: make TARGET.
.PHONY: server check test test-all fuzz format screenshots dist release

server:       ; script/server
check:        ; script/check
test:         ; script/test
test-all:     ; script/test all
fuzz:         ; script/fuzz
format:       ; .venv/bin/ruff check --fix . ; .venv/bin/ruff format .
screenshots:  ; .venv/bin/python -m tests.screenshots build/screenshots docs/screenshots
dist:         ; .venv/bin/pip install --quiet build ; .venv/bin/python -m build
release:      ; script/release "$(VERSION)"
