# The model and what serves it: docker build -t {{name}}:{{version}} .
# Written by `forja export-repository --server kubernetes`; it is yours to change.
FROM node:22-bookworm-slim
WORKDIR /srv
# The install script would fetch a CUDA provider.
RUN npm init -y && ONNXRUNTIME_NODE_INSTALL=skip npm install --omit=dev @forja/node@{{forja}} onnxruntime-node@{{runtime}}
ARG VERSION={{version}}
COPY ${VERSION} /model
ENV NODE_ENV=production
USER 1000
EXPOSE 8080
# node itself is the first process, so that SIGTERM reaches it
ENTRYPOINT ["node", "/srv/node_modules/@forja/node/dist/bin.js", "serve"]
