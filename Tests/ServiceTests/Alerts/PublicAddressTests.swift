import Service
import Testing

@Suite("isPublicAddress")
struct PublicAddressTests {
    @Test(
        arguments: [
            [8, 8, 8, 8], [1, 1, 1, 1], [11, 0, 0, 1], [100, 63, 255, 255], [100, 128, 0, 0], [128, 0, 0, 1],
            [169, 253, 1, 1],
            [172, 15, 0, 1], [172, 32, 0, 1], [192, 167, 1, 1], [192, 169, 1, 1], [198, 17, 0, 1], [198, 20, 0, 1],
            [223, 255, 255, 255],
        ] as [[UInt8]]
    )
    func `addresses of the Internet are public`(bytes: [UInt8]) {
        #expect(isPublicAddress(bytes))
        // Also in IPv6's clothes.
        #expect(isPublicAddress([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + bytes))
        #expect(isPublicAddress([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] + bytes))
    }

    @Test(
        arguments: [
            [0, 0, 0, 0], [10, 1, 2, 3], [100, 64, 0, 1], [100, 127, 255, 255], [127, 0, 0, 1], [127, 255, 0, 1],
            [169, 254, 169, 254],
            [172, 16, 0, 1], [172, 31, 255, 255], [192, 0, 0, 1], [192, 0, 2, 1], [192, 88, 99, 1], [192, 168, 0, 1],
            [198, 18, 0, 1],
            [198, 19, 255, 255], [198, 51, 100, 1], [203, 0, 113, 1], [224, 0, 0, 1], [240, 0, 0, 1],
            [255, 255, 255, 255],
        ] as [[UInt8]]
    )
    func `all others are not, nor in the clothes of IPv6`(bytes: [UInt8]) {
        #expect(!isPublicAddress(bytes))
        #expect(!isPublicAddress([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF] + bytes))
        #expect(!isPublicAddress([0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0] + bytes))
        #expect(!isPublicAddress([0x20, 0x02] + bytes + [UInt8](repeating: 0, count: 10)))
        #expect(!isPublicAddress([UInt8](repeating: 0, count: 12) + bytes))
    }

    @Test(
        arguments: [
            ([0x20, 0x01, 0x48, 0x60], true), ([0x2A, 0x00], true), ([0x26, 0x06, 0x47], true), ([], false),
            ([0xFE, 0x80], false),
            ([0xFC], false), ([0xFD, 0x12], false), ([0xFF, 0x02], false), ([0x20, 0x01, 0x0D, 0xB8], false),
            ([0x20, 0x01, 0], false),
            ([0x20, 0x02], false), ([0x3F, 0xFF, 0x01], false), ([0x01], false), ([0x40], false),
        ] as [([UInt8], Bool)]
    )
    func `of IPv6 only global unicast is public`(beginning: [UInt8], isPublic: Bool) {
        let address = beginning + [UInt8](repeating: 0, count: 15 - beginning.count) + [1]
        #expect(isPublicAddress(address) == isPublic)
    }

    @Test
    func `what is no address is not public`() {
        for count in 0...17 where count != 4 && count != 16 {
            #expect(!isPublicAddress([UInt8](repeating: 8, count: count)))
        }
    }
}
