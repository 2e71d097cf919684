# The container image: `make release` makes what is copied here, `docker build --tag argosy .` the image.
FROM python:3.13.14-slim AS build
# Debian takes old versions of packages away: one that is named here would soon not be there.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends binutils git
# Git without its servers, and without Perl, which its package brings: 75 MB for programs that argosy and checkouts never start.
RUN mkdir /git \
 && cp --archive --parents /usr/bin/git /usr/lib/git-core /usr/share/git-core/templates /usr/share/doc/git/copyright /git/
WORKDIR /git/usr/lib/git-core
RUN rm --recursive --force mergetools scalar git-daemon git-http-backend git-http-fetch git-http-push git-imap-send git-shell \
 && ln --force --symbolic ../../bin/git git
COPY dist/argosy-*.whl dist/argosy-dependencies.txt /tmp/
# An environment without pip: pip stays in this stage.
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
RUN python -m venv --without-pip /opt/argosy \
 && pip="python -m pip --python /opt/argosy/bin/python --no-cache-dir --disable-pip-version-check" \
 && $pip install --compile --only-binary :all: --require-hashes --requirement /tmp/argosy-dependencies.txt \
 && $pip install --compile --no-deps /tmp/argosy-*.whl \
 && $pip check \
 && $pip uninstall --yes hatchling trove-classifiers
# Wheels hold no links, so the same library comes several times; some hold symbols for debuggers, and functions of CEL that
# Kubernetes has not.
WORKDIR /opt/argosy/lib/python3.13/site-packages
RUN newest=$(printf '%s\n' helm_python/lib/*.so* | tail --lines=1) \
 && for each in helm_python/lib/*.so*; do \
      if [ "$each" != "$newest" ] && cmp --silent "$each" "$newest"; then ln --force --symbolic "${newest##*/}" "$each"; fi; \
    done \
 && rm cel_expr_python/ext/ext_{encoders,math,proto}.* \
 && find . -name '*.so' -type f -exec strip --strip-unneeded {} +

FROM python:3.13.14-slim
# What is mounted is often another's, which git would not look at; the user is that of the workspace of GitHub's runners.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends libcurl3t64-gnutls libexpat1 openssh-client \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 1001 --create-home argosy
COPY --from=build /git /
COPY --from=build /opt/argosy /opt/argosy
RUN git config --system --add safe.directory '*'
ENV PATH=/opt/argosy/bin:$PATH LANG=C.UTF-8
USER 1001
WORKDIR /work
ENTRYPOINT ["argosy"]
CMD ["--help"]
