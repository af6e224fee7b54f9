// The gateways of a slow test file: started before its first test is defined, ended with the file.
import { after, test } from 'node:test'
import { CEPH_RELEASES, findCeph, type CephRelease } from './ceph-programs.ts'
import { RgwServer } from './rgw-server.ts'

/** Those that can be started here; for each other one a test that is skipped and says why. */
export async function startGateways(): Promise<ReadonlyMap<CephRelease, RgwServer>> {
  const gateways = new Map<CephRelease, RgwServer>()
  for (const release of CEPH_RELEASES) {
    const programs = findCeph(release)
    if (typeof programs === 'string') test(`Ceph ${release}`, { skip: programs }, () => {})
    else gateways.set(release, await RgwServer.start(programs))
  }
  after(async () => {
    for (const gateway of gateways.values()) await gateway.close()
  })
  return gateways
}
