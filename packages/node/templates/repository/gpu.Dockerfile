# The model and what serves it on an NVIDIA card: docker build -t {{name}}:{{version}} .
# Written by `forja export-repository --server kubernetes`; it is yours to change.
FROM node:22-bookworm-slim AS node
FROM nvidia/cuda:12.8.1-cudnn-runtime-ubuntu24.04
COPY --from=node /usr/local /usr/local
WORKDIR /srv
# The CUDA provider is fetched by onnxruntime-node's install script.
RUN npm init -y && ONNXRUNTIME_NODE_INSTALL=cuda12 npm install --omit=dev @forja/node@{{forja}} onnxruntime-node@{{runtime}}
ARG VERSION={{version}}
COPY ${VERSION} /model
ENV NODE_ENV=production
USER 1000
EXPOSE 8080
# node itself is the first process, so that SIGTERM reaches it
ENTRYPOINT ["node", "/srv/node_modules/@forja/node/dist/bin.js", "serve"]
