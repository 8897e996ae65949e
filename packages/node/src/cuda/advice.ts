// Commands that fix what `inspectCuda` found.
import type { CudaReport } from './inspect.js';

/** One step and its commands, with a row for each package manager or system where they differ. */
export interface Advice {
  what: string;
  commands: Readonly<Record<string, string>>;
}

/** Steps in order; none if nothing is known to be missing. */
export function adviceFor({ folder, absent, cuda, lacks, problems }: CudaReport): Advice[] {
  const steps: Advice[] = [];
  if (folder === undefined)
    steps.push({
      what: 'install onnxruntime-node',
      commands: {
        npm: 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm install onnxruntime-node',
        pnpm: 'ONNXRUNTIME_NODE_INSTALL=cuda12 pnpm add --allow-build=onnxruntime-node onnxruntime-node',
      },
    });
  else if (absent.length > 0 || lacks.some(({ neededBy }) => neededBy === 'onnxruntime-node')) {
    // pnpm runs only allowed install scripts; rebuilding a package that is not allowed silently does nothing.
    steps.push({
      what: "fetch onnxruntime's CUDA libraries (from NuGet)",
      commands: {
        npm: 'ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node',
        pnpm:
          'pnpm add --allow-build=onnxruntime-node onnxruntime-node && ONNXRUNTIME_NODE_INSTALL=cuda12 pnpm ' +
          'rebuild onnxruntime-node',
      },
    });
  }
  const version = cuda ?? 12;
  const parts = new Set(lacks.map(({ partOf }) => partOf ?? ''));
  if (problems.some((line) => line.includes('NVIDIA driver')))
    steps.push({
      what: `install a driver for CUDA ${version}, and restart`,
      commands: { 'Debian, Ubuntu': 'sudo apt install nvidia-driver' },
    });
  const packages = [
    ...([...parts].some((part) => part.startsWith('CUDA')) ? [`cuda-libraries-${version}-*`] : []),
    ...[...parts].filter((part) => part.startsWith('cuDNN')).map((part) => `libcudnn${part.slice(6)}-cuda-${version}`),
  ];
  if (packages.length > 0)
    steps.push({
      what: `install CUDA ${version}'s libraries; other versions may stay installed`,
      commands: {
        "Debian, Ubuntu, from NVIDIA's repository": `sudo apt install ${packages.map((name) => `'${name}'`).join(' ')}`,
      },
    });
  return steps;
}
