// Public surface of @forja/node. Named exports only.
export {};
