export function withTables(text: string, table: (system?: string) => string): string;
