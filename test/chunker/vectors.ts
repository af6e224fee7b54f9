// Cut points of the Rust crate `fastcdc` 5.0.0, module v2020: FastCDC::with_level_and_seed(data, min, avg, max, level,
// gear seed), lengths of the chunks it yields, run once on the bytes of xorshiftBytes(dataSeed, dataBytes, byteMask).
import type { ChunkSizes } from '../../src/chunker/parameters.ts'

export interface ChunkVector {
  readonly sizes: ChunkSizes
  /** XORed into each entry of the published gear table. */
  readonly gearSeed: bigint
  readonly dataSeed: number
  readonly byteMask: number
  readonly dataBytes: number
  /** Lengths of the chunks, in order. */
  readonly chunkBytes: readonly number[]
}

export const CHUNK_VECTORS: readonly ChunkVector[] = [
  {
    sizes: { minBytes: 64, avgBytes: 256, maxBytes: 1024, normalization: 1 },
    gearSeed: 0x0n, dataSeed: 1, byteMask: 0xff, dataBytes: 16384,
    chunkBytes: [
      173, 300, 261, 75, 78, 678, 299, 355, 410, 379, 308, 371, 137, 327, 595, 316,
      331, 341, 195, 311, 335, 562, 116, 305, 266, 387, 393, 474, 353, 296, 293, 386,
      306, 340, 258, 286, 517, 432, 679, 66, 367, 360, 242, 415, 283, 236, 153, 302,
      225, 105, 322, 84,
    ],
  },
  {
    sizes: { minBytes: 64, avgBytes: 256, maxBytes: 1024, normalization: 2 },
    gearSeed: 0x0n, dataSeed: 2, byteMask: 0xff, dataBytes: 16001,
    chunkBytes: [
      120, 265, 332, 121, 268, 268, 269, 348, 411, 284, 309, 320, 385, 282, 330, 183,
      314, 309, 267, 332, 309, 359, 118, 376, 294, 427, 279, 281, 278, 294, 116, 391,
      288, 269, 291, 276, 218, 368, 272, 253, 300, 291, 115, 325, 257, 305, 288, 209,
      297, 351, 262, 271, 287, 270, 298, 377, 24,
    ],
  },
  {
    sizes: { minBytes: 64, avgBytes: 256, maxBytes: 1024, normalization: 0 },
    gearSeed: 0x0n, dataSeed: 3, byteMask: 0xff, dataBytes: 8192,
    chunkBytes: [
      595, 391, 532, 251, 228, 428, 160, 234, 130, 144, 505, 341, 613, 433, 331, 96,
      1024, 156, 129, 202, 239, 269, 213, 266, 267, 15,
    ],
  },
  {
    sizes: { minBytes: 64, avgBytes: 256, maxBytes: 1024, normalization: 3 },
    gearSeed: 0x0n, dataSeed: 4, byteMask: 0xff, dataBytes: 8191,
    chunkBytes: [
      293, 263, 348, 261, 338, 273, 261, 262, 290, 267, 294, 294, 269, 156, 284, 273,
      256, 295, 260, 262, 264, 279, 269, 338, 268, 324, 271, 322, 277, 80,
    ],
  },
  {
    sizes: { minBytes: 128, avgBytes: 1024, maxBytes: 4096, normalization: 2 },
    gearSeed: 0x9e3779b97f4a7c15n, dataSeed: 5, byteMask: 0xff, dataBytes: 50000,
    chunkBytes: [
      443, 1121, 1022, 1160, 1140, 1041, 1034, 496, 1244, 486, 974, 1161, 1638, 1251, 1192, 1311,
      1043, 1027, 1141, 350, 1117, 1426, 1104, 1328, 3043, 1406, 465, 393, 1283, 282, 1052, 158,
      231, 1354, 1283, 1426, 1717, 1285, 634, 470, 1126, 2315, 717, 1070, 1227, 1164, 649,
    ],
  },
  {
    sizes: { minBytes: 128, avgBytes: 1024, maxBytes: 4096, normalization: 2 },
    gearSeed: 0x0n, dataSeed: 6, byteMask: 0x03, dataBytes: 50000,
    chunkBytes: [
      1071, 1200, 1273, 1633, 1227, 1161, 1071, 1051, 1045, 848, 1334, 1037, 670, 1078, 466, 1170,
      1331, 1073, 1048, 1710, 1795, 1108, 1855, 1182, 1140, 1041, 1303, 1811, 1024, 1172, 1292, 1500,
      1532, 1261, 1562, 1093, 1178, 1037, 1354, 1261, 1002,
    ],
  },
  {
    sizes: { minBytes: 64, avgBytes: 256, maxBytes: 1024, normalization: 1 },
    gearSeed: 0x0n, dataSeed: 7, byteMask: 0x00, dataBytes: 10240,
    chunkBytes: [
      1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024, 1024,
    ],
  },
  {
    sizes: { minBytes: 4096, avgBytes: 16384, maxBytes: 65534, normalization: 1 },
    gearSeed: 0x0n, dataSeed: 8, byteMask: 0xff, dataBytes: 1000001,
    chunkBytes: [
      18327, 23913, 36770, 4243, 27096, 16492, 23053, 10832, 11398, 9385, 23145, 21206, 13789, 12161, 16067, 21157,
      19879, 22512, 17749, 22034, 8963, 17194, 5323, 20687, 21378, 12528, 17394, 15273, 22818, 15773, 12858, 8601,
      27732, 26245, 6870, 16480, 19825, 17340, 19089, 22853, 19406, 7489, 18460, 18132, 21097, 32186, 27846, 22493,
      24421, 21840, 16956, 23276, 5850, 5143, 21581, 5578, 1815,
    ],
  },
  {
    sizes: { minBytes: 4096, avgBytes: 16384, maxBytes: 65536, normalization: 2 },
    gearSeed: 0xdeadbeefcafebaben, dataSeed: 9, byteMask: 0xff, dataBytes: 1000000,
    chunkBytes: [
      21254, 20906, 10179, 17597, 22134, 20376, 9838, 17294, 32435, 20900, 4467, 26228, 17657, 11672, 9258, 20443,
      17504, 18259, 17971, 17182, 18794, 6632, 21150, 17310, 18731, 21101, 17249, 16528, 21698, 17511, 17022, 17864,
      17458, 17461, 22243, 11870, 13821, 4712, 23173, 19675, 16411, 18314, 20254, 21196, 27994, 22000, 18185, 33452,
      22805, 17290, 20035, 18182, 12196, 23998, 7228, 4903,
    ],
  },
  {
    sizes: { minBytes: 8192, avgBytes: 16384, maxBytes: 32768, normalization: 3 },
    gearSeed: 0x0n, dataSeed: 10, byteMask: 0xff, dataBytes: 500000,
    chunkBytes: [
      16460, 16968, 21638, 17240, 16639, 18818, 18195, 24111, 16676, 18709, 18205, 20386, 16689, 16773, 19001, 17625,
      21641, 16690, 19435, 17379, 20764, 17492, 16809, 19628, 17115, 17881, 17859, 3174,
    ],
  },
  {
    sizes: { minBytes: 4096, avgBytes: 16384, maxBytes: 65536, normalization: 2 },
    gearSeed: 0x0n, dataSeed: 11, byteMask: 0x01, dataBytes: 1000000,
    chunkBytes: [
      16724, 18326, 9750, 17666, 18911, 17362, 25709, 16408, 17059, 20678, 20851, 8081, 19381, 20682, 18668, 22087,
      14347, 18803, 20581, 21197, 23703, 16954, 16550, 17537, 16865, 16986, 6815, 4261, 18706, 24988, 33707, 20935,
      17264, 23572, 25861, 17596, 12175, 16717, 31011, 28935, 30158, 17074, 19279, 18155, 5507, 16953, 17022, 18469,
      26329, 16583, 23879, 17298, 16934, 1951,
    ],
  },
  {
    sizes: { minBytes: 16384, avgBytes: 65536, maxBytes: 262144, normalization: 2 },
    gearSeed: 0x0n, dataSeed: 12, byteMask: 0xff, dataBytes: 3000000,
    chunkBytes: [
      79071, 40824, 83788, 65728, 25245, 68685, 69415, 23274, 75052, 39562, 77535, 31617, 70081, 67423, 102176, 73149,
      85555, 121787, 98467, 65836, 70755, 72416, 35234, 79669, 70050, 17830, 78633, 74311, 70766, 104326, 74323, 87352,
      98069, 47869, 93546, 112948, 76164, 30887, 57764, 70262, 19327, 99417, 93812,
    ],
  },
  {
    sizes: { minBytes: 262144, avgBytes: 1048576, maxBytes: 8388608, normalization: 2 },
    gearSeed: 0x0n, dataSeed: 13, byteMask: 0xff, dataBytes: 33554432,
    chunkBytes: [
      1110436, 665894, 1501777, 1052261, 450654, 1073457, 1073685, 1168032, 2016553, 1152028, 1439497, 651720, 1198222, 1291673, 1133192, 1291252,
      1219663, 1217618, 623796, 1185408, 1135222, 1168624, 1259861, 1224630, 1083275, 534290, 631205, 1160485, 784171, 1523373, 532478,
    ],
  },
  {
    sizes: { minBytes: 262144, avgBytes: 1048576, maxBytes: 8388608, normalization: 2 },
    gearSeed: 0x123456789abcdefn, dataSeed: 14, byteMask: 0xff, dataBytes: 33554433,
    chunkBytes: [
      1405003, 1361177, 1057292, 737070, 1402475, 1634368, 1289814, 1084808, 1956196, 1160508, 454825, 1196008, 1115767, 1070822, 1539679, 674520,
      1333317, 1516554, 1330998, 1245897, 1571496, 1005313, 1535164, 1028083, 487643, 1680527, 730092, 949017,
    ],
  },
  {
    sizes: { minBytes: 65536, avgBytes: 1048576, maxBytes: 8388608, normalization: 0 },
    gearSeed: 0x0n, dataSeed: 15, byteMask: 0xff, dataBytes: 25000000,
    chunkBytes: [
      1219436, 1854206, 363301, 636194, 722847, 496732, 4500617, 1580719, 353021, 1103834, 197260, 1061903, 924464, 1776007, 2945182, 495092,
      353462, 93793, 2334956, 819158, 274440, 893376,
    ],
  },
  {
    sizes: { minBytes: 524288, avgBytes: 4194304, maxBytes: 16777216, normalization: 3 },
    gearSeed: 0x0n, dataSeed: 16, byteMask: 0xff, dataBytes: 40000000,
    chunkBytes: [
      5018184, 4782432, 5146017, 4196407, 4772693, 4697148, 4621700, 5468846, 1296573,
    ],
  },
]
