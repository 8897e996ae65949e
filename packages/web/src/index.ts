// Public surface of @forja/web. Named exports only.
export {};
