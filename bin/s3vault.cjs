#!/usr/bin/env node
'use strict'
// The launcher. Plain old JavaScript that Node 12 parses, because it is read by whatever Node the machine came with:
//   --version alone    answers here, nothing else is started
//   in a checkout      builds dist/ when it is absent or older than the sources
//   Node new enough    becomes bin/main.mjs: the same process, started again with the options below
//   otherwise          runs it under the Node that is installed as an optional dependency, as a child that shares the
//                      terminal; signals go to the child, its exit code or signal becomes ours
var fs = require('fs')
var path = require('path')
var runtime = require('./runtime.cjs')

var root = path.join(__dirname, '..')
var mainScript = path.join(__dirname, 'main.mjs')
// What a build reads, save the tests: a changed test needs no build before a backup.
var SOURCES = ['src', 'commands', 'package.json', 'tsconfig.json'].concat(
  ['tsconfig.json', 'build.mjs', 'manifest.mjs', 'bundle.mjs'].map(function (name) {
    return path.join('bin', name)
  })
)
// The first error of a compiler most often explains the rest.
var BUILD_LINES_MAX = 20

function versionLine() {
  var found = runtime.findRuntime()
  return (
    's3vault/' + require('../package.json').version + ' ' + process.platform + '-' + process.arch +
    ' node-v' + (found ? found.version : process.versions.node)
  )
}

/** Newest modification below `place` in ms. A directory's own time changes when a file in it goes away. */
function newestMs(place) {
  var stat
  try {
    stat = fs.statSync(place)
  } catch (error) {
    return 0
  }
  if (!stat.isDirectory()) return stat.mtimeMs
  return fs.readdirSync(place).reduce(function (newest, name) {
    return Math.max(newest, newestMs(path.join(place, name)))
  }, stat.mtimeMs)
}

/** True in a checkout whose dist/ is absent, half made or older than its sources. An installed package has no src/. */
function needsBuild() {
  if (!fs.existsSync(path.join(root, 'src'))) return false
  var builtMs
  try {
    builtMs = fs.statSync(path.join(root, 'dist', '.built')).mtimeMs
  } catch (error) {
    return true
  }
  return SOURCES.some(function (source) {
    return newestMs(path.join(root, source)) > builtMs
  })
}

function build() {
  var script = path.join(root, 'bin', 'build.mjs')
  if (process.stderr.isTTY) process.stderr.write('s3vault: building from the sources, once\n')
  var result = require('child_process').spawnSync(process.execPath, [script], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', maxBuffer: 1 << 26 })
  if (result.signal) return dieBy(result.signal)
  if (result.status === 0) return undefined
  var lines = String(result.stderr || result.error || '').split('\n').filter(function (line) {
    return line !== ''
  })
  process.stderr.write(
    's3vault: building from the sources failed\n' +
    lines.slice(0, BUILD_LINES_MAX).map(function (line) { return '  ' + line + '\n' }).join('') +
    (lines.length > BUILD_LINES_MAX ? '  (' + (lines.length - BUILD_LINES_MAX) + ' more lines)\n' : '') +
    '  to see all of it, run: node ' + script + '\n'
  )
  return process.exit(1)
}

/** Ends this process the way the child ended, so that a shell sees the same. */
function dieBy(signal) {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  // Only reached by signals that are ignored by inheritance, as SIGHUP under nohup.
  return process.exit(1)
}

/**
 * The young generation of V8's main thread alone grows to 96 MB, its garbage here is short-lived: bounded to 3 x 2 MB the
 * backup of 30,000 files peaked at 333 MiB instead of 386 (3 x 8 MB), in the same CPU time.
 */
function mainArguments() {
  return ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=2', mainScript].concat(process.argv.slice(2))
}

function frugalEnvironment() {
  var env = Object.assign({}, process.env)
  // A malloc arena a thread keeps what the thread freed.
  if (!env.MALLOC_ARENA_MAX) env.MALLOC_ARENA_MAX = '2'
  return env
}

function childEnvironment() {
  var env = frugalEnvironment()
  // The child reads raw argument bytes from our /proc entry, and stops when we are gone.
  env.S3VAULT_LAUNCHER_PID = String(process.pid)
  // Options meant for the machine's own Node may be unknown to ours, and would stop it from starting.
  delete env.NODE_OPTIONS
  if (process.env.S3VAULT_NODE_OPTIONS) env.NODE_OPTIONS = process.env.S3VAULT_NODE_OPTIONS
  return env
}

function runChild(executable) {
  var child = require('child_process').spawn(executable, mainArguments(), { stdio: 'inherit', env: childEnvironment() })
  // Ctrl-C reaches the whole group, so the child may get a signal twice: it counts two within a moment as one.
  ;['SIGINT', 'SIGTERM', 'SIGHUP'].forEach(function (signal) {
    process.on(signal, function () {
      child.kill(signal)
    })
  })
  child.on('error', function (error) {
    process.stderr.write('s3vault: the bundled Node ' + executable + ' does not start: ' + error.message + '\n')
    process.exit(1)
  })
  child.on('exit', function (code, signal) {
    if (signal) dieBy(signal)
    else process.exit(code)
  })
}

function start() {
  if (process.argv.length === 3 && process.argv[2] === '--version') {
    process.stdout.write(versionLine() + '\n')
    return undefined
  }
  var executable = runtime.runtimePath()
  if (needsBuild()) build()
  // What Node could not decode is passed on wrong; a child finds the bytes in our /proc entry.
  var isDecoded = process.argv.join().indexOf('\ufffd') < 0
  if (executable !== process.execPath || !process.execve || !isDecoded) return runChild(executable)
  return process.execve(executable, [executable].concat(mainArguments()), frugalEnvironment())
}

start()
