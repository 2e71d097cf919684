# The container image: `make release` makes what is copied here, `docker build --tag argosy .` the image.
FROM python:3.13.14-slim AS build
COPY dist/argosy-*.whl dist/argosy-dependencies.txt /tmp/
# An environment without pip: pip stays in this stage.
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN python -m venv --without-pip /opt/argosy \
 && pip="python -m pip --python /opt/argosy/bin/python --no-cache-dir --disable-pip-version-check" \
 && $pip install --compile --only-binary :all: --require-hashes --requirement /tmp/argosy-dependencies.txt \
 && $pip install --compile --no-deps /tmp/argosy-*.whl \
 && $pip check
# Wheels hold no links, so the same library comes several times.
WORKDIR /opt/argosy/lib/python3.13/site-packages/helm_python/lib
RUN newest=$(printf '%s\n' *.so* | tail --lines=1) \
 && for each in *.so*; do \
      if [ "$each" != "$newest" ] && cmp --silent "$each" "$newest"; then ln --force --symbolic "$newest" "$each"; fi; \
    done

FROM python:3.13.14-slim
# What is mounted is often another's, which git would not look at; the user is that of the workspace of GitHub's runners.
# Debian takes old versions of packages away: one that is named here would soon not be there.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends git openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && git config --system --add safe.directory '*' \
 && useradd --uid 1001 --create-home argosy
COPY --from=build /opt/argosy /opt/argosy
ENV PATH=/opt/argosy/bin:$PATH LANG=C.UTF-8
USER 1001
WORKDIR /work
ENTRYPOINT ["argosy"]
CMD ["--help"]
