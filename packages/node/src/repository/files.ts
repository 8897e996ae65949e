// The text files next to the models of a repository, and the templates that they are made from.
import { join } from 'node:path';
import { filled, templates } from '../templates.js';

/** The content of a text file, with its path in the repository. */
export interface RepositoryFile {
  path: string;
  text: string;
  /** Users may edit the file, so an existing one is kept. */
  theirs?: boolean;
}

/** A template of templates/repository with its `{{names}}` filled in. */
export function template(name: string, values: Readonly<Record<string, string>>): Promise<string> {
  return filled(join(templates(), 'repository', name), values);
}
