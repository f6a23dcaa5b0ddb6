import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/* Debian's httpd has Lua 5.3, the official image 5.2: what the gate is made of must mean the same in both. */
const FOLDER = resolve(import.meta.dirname, '..', '..', 'templates', 'httpd');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.lua'));

function has(lua: string): boolean {
  if (spawnSync(lua, ['-v']).status === 0) return true;
  if (process.env.CI) throw new Error(`${lua} is missing: scripts/setup-tests.sh`);
  console.warn(`not run: ${lua} is missing. scripts/setup-tests.sh`);
  return false;
}

describe.for(['lua5.2', 'lua5.3'].filter(has))('%s', (lua) => {
  const run = (code: string, ...args: string[]): string => {
    const { status, stdout, stderr } = spawnSync(lua, ['-e', code, '-', ...args], { cwd: FOLDER, input: '', encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
    return stdout;
  };

  test('reads every file of the gate', () => {
    expect(FILES).toContain('gate.lua');
    for (const file of FILES) run(`assert(loadfile('${file}'))`);
    expect(() => run("assert(load('local function ('))")).toThrow();
  });

  test('SHA-256 of 0 to 200 bytes, and of a few thousand', () => {
    const sizes = [...Array.from({ length: 201 }, (_, i) => i), 1000, 4096];
    const out = run(
      `local sha = dofile('sha256.lua') for n in ("${sizes.join(' ')}"):gmatch('%d+') do local s = '' for i = 1, tonumber(n) do s = s .. string.char(i * 7 % 256) end print(sha(s)) end`,
    );
    const expected = sizes.map((n) =>
      createHash('sha256')
        .update(Uint8Array.from({ length: n }, (_, i) => ((i + 1) * 7) % 256))
        .digest('hex'),
    );
    expect(out.trim().split('\n')).toEqual(expected);
  });

  test('a look-up finds every word it holds and no other, and tells when the file is another', () => {
    const words = Array.from({ length: 3000 }, (_, i) => `${'k'.repeat(i % 40)}${i}`).sort();
    const folder = mkdtempSync(join(tmpdir(), 'gatewright-lua-'));
    for (const name of ['lookups.lua', 'json.lua']) copyFileSync(join(FOLDER, name), join(folder, name));
    const write = (name: string, lines: string[]): void =>
      writeFileSync(join(folder, name), `# policy h\n${lines.map((line) => `${line}\n`).join('')}`);
    write(
      'many.txt',
      words.map((word, i) => `${word} ${i} end`),
    );
    write('one.txt', ['only 1 2']);
    write('none.txt', []);
    const out = run(
      `package.path = '${folder}/?.lua' local lookups = require 'lookups'
       local stamp = 1
       local r = { stat = function(_, path) local f = io.open(path) if f then f:close() return { mtime = stamp, size = 0 } end end }
       local pol = { hash = 'h' }
       local wrong, i = 0, 0
       for _ = 1, 2 do
         i = 0
         for line in io.lines('${folder}/many.txt') do
           if i > 0 then
             local word = line:match('^%S+')
             if lookups.find(r, pol, 'many.txt', word) ~= (i - 1) .. ' end' then wrong = wrong + 1 end
             if lookups.find(r, pol, 'many.txt', word .. '!') or lookups.find(r, pol, 'many.txt', word:sub(1, -2) .. '/') then wrong = wrong + 1 end
           end
           i = i + 1
         end
       end
       print(i, wrong)
       print(lookups.find(r, pol, 'one.txt', 'only'), lookups.find(r, pol, 'one.txt', 'onl'), lookups.find(r, pol, 'none.txt', 'only'))
       print(pcall(lookups.find, r, { hash = 'other' }, 'one.txt', 'only'))
       print(pcall(lookups.find, r, pol, 'gone.txt', 'only'))
       os.remove('${folder}/one.txt')
       print(pcall(lookups.find, r, pol, 'one.txt', 'only'))`,
    );
    rmSync(folder, { recursive: true });
    expect(out.trim().split('\n')).toEqual([
      '3001\t0',
      '1 2\tnil\tnil',
      'false\tone.txt belongs to another policy',
      'false\tgone.txt is not there',
      'false\tone.txt is not there',
    ]);
  });

  test('JSON, and nothing that is almost JSON', () => {
    const show = `local json = dofile('json.lua') local function show(v)
      if v == json.null then return 'null' elseif type(v) ~= 'table' then return tostring(v) end
      local parts = {} for k, x in pairs(v) do parts[#parts + 1] = tostring(k) .. '=' .. show(x) end table.sort(parts) return '{' .. table.concat(parts, ',') .. '}' end `;
    const good: [string, string][] = [
      ['{"a":[1,true,null,"x\\u00e9\\ud83d\\ude00\\n"],"a":"last"}', '{a=last}'],
      ['[-12,0]', '{1=-12,2=0}'],
      [' { } ', '{}'],
      ['"\u007f"', '\u007f'],
    ];
    for (const [text, value] of good) expect(run(`${show}print(show(json.decode([==[${text}]==])))`).replace(/\n$/, '')).toBe(value);
    for (const text of [
      '',
      '{',
      '[1,]',
      '{"a":1,}',
      '01',
      '1.',
      '.5',
      '+1',
      'nul',
      '"\\x"',
      '"\\ud800"',
      '"a\nb"',
      "{'a':1}",
      '1 2',
      '{"a" 1}',
      'NaN',
    ])
      expect(run(`${show}print(pcall(json.decode, [==[${text.startsWith('\n') ? `\n${text}` : text}]==]))`)).toMatch(/^false/);
  });
});
