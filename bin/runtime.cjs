'use strict'
// Finds the Node runtime to run on. Plain old JavaScript: this file is read by whatever Node the machine came with.
var path = require('path')

// Node 26 is the LTS line the product is built and tested on: native zstd and argon2, cheap raw keys.
var MAJOR_MIN = 26

/** Path of the Node to use: the running one when it is new enough, else the one installed as an optional dependency. */
function runtimePath() {
  if (Number(process.versions.node.split('.')[0]) >= MAJOR_MIN) return process.execPath
  var name = 'node-' + process.platform + '-' + process.arch
  try {
    return path.join(path.dirname(require.resolve(name + '/package.json')), 'bin', 'node')
  } catch (error) {
    process.stderr.write(
      's3vault: needs Node ' + MAJOR_MIN + ' or newer, this is ' + process.version +
      '; the package ' + name + ' that brings it is not installed (npm ci without --omit=optional installs it)\n'
    )
    return process.exit(1)
  }
}

exports.runtimePath = runtimePath
