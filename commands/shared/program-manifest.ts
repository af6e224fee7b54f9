// What oclif has to know of the program, from package.json. The built folder is oclif's root, so that the manifest is
// replaced together with the commands it describes.

interface PackageFile {
  readonly name: string
  readonly version: string
  readonly oclif: Readonly<Record<string, unknown>>
}

export interface ProgramManifest {
  name: string
  version: string
  type: 'module'
  oclif: Record<string, unknown>
}

export const programManifest = ({ name, version, oclif }: PackageFile): ProgramManifest => ({
  name,
  version,
  type: 'module',
  oclif: {
    ...oclif,
    commands: { strategy: 'pattern', target: './commands', globPatterns: ['**/*.js', '!shared/**'] },
  },
})
