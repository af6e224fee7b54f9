'use strict'
// Finds the Node runtime to run on. Plain old JavaScript: this file is read by whatever Node the machine came with.
var path = require('path')

// Node 26 is the LTS line the product is built and tested on: native zstd and argon2, cheap raw keys.
var MAJOR_MIN = 26

var packageName = 'node-' + process.platform + '-' + process.arch

/** The running Node when it is new enough, else the one installed as an optional dependency; null when there is none. */
function findRuntime() {
  if (Number(process.versions.node.split('.')[0]) >= MAJOR_MIN) {
    return { path: process.execPath, version: process.versions.node }
  }
  try {
    var manifest = require.resolve(packageName + '/package.json')
    return { path: path.join(path.dirname(manifest), 'bin', 'node'), version: require(manifest).version }
  } catch (error) {
    return null
  }
}

/** Path of the Node to use; ends the process with one line when there is none. */
function runtimePath() {
  var found = findRuntime()
  if (found) return found.path
  process.stderr.write(
    's3vault: needs Node ' + MAJOR_MIN + ' or newer, this is ' + process.version + '; the package ' + packageName +
    ' that brings it is not installed (npm ci without --omit=optional installs it)\n'
  )
  return process.exit(1)
}

exports.findRuntime = findRuntime
exports.runtimePath = runtimePath
