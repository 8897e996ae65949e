// What a generator does beside sampling, imported on first use. One file, as each more would split what it shares with sampling into another chunk that every page loads.
export { latentWalk } from '../latent/walks.js';
export { translate } from './translate.js';
