# syntax=docker/dockerfile:1
#
# docker build -t modelgate --build-arg REVISION="$(git rev-parse HEAD)" .
# docker run -v ./my-config:/etc/modelgate:ro -v modelgate-data:/var/lib/modelgate -p 8080:8080 modelgate
#
# In releases, pin both stages by digest: node:24-bookworm-slim@sha256:…

FROM node:24-bookworm-slim AS build
WORKDIR /build
# Dependencies first: this layer is rebuilt only when they change. No package may run a script.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts ./scripts
COPY gateway ./gateway
RUN npm run build && npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-bookworm-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Modelgate" \
      org.opencontainers.image.description="A reverse-proxy enforcement gateway for model endpoints: predictions go out, weights stay in." \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="docker.io/library/node:24-bookworm-slim"
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY config ./config
COPY rules ./rules
COPY docs/reference/record.schema.json ./docs/reference/
# The ledger's parent belongs to the user the process runs as: a new named volume inherits that.
RUN install -d -o 1000 -g 1000 -m 0700 /var/lib/modelgate
VOLUME /var/lib/modelgate
# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 1000:1000
# 8080: callers of models. The control listener (9090) is for the loopback and is not exposed.
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:9090/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node is process 1 and handles SIGTERM itself: no shell, no npm, no init in between.
ENTRYPOINT ["node", "--enable-source-maps", "dist/gateway/main.js"]
CMD ["serve", "--config", "/etc/modelgate/gateway.yaml"]
