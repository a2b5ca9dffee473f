package dev.callboard.settings;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Parsing addresses and ranges, and which addresses a range contains. */
final class AddressRangeTest {
    @Test
    void containsOnlyItselfIfItIsASingleAddress() {
        assertContains("192.0.2.7", "192.0.2.7");
        assertLacks("192.0.2.7", "192.0.2.8", "::1", "::ffff:192.0.2.8");
        assertContains("2001:db8::1", "2001:db8:0:0::1", "2001:DB8::1");
        assertLacks("2001:db8::1", "2001:db8::2", "192.0.2.7");
    }

    @Test
    void containsTheAddressesWithTheSameLeadingBits() {
        assertContains("192.0.2.0/24", "192.0.2.0", "192.0.2.255");
        assertLacks("192.0.2.0/24", "192.0.3.0", "192.0.1.255");
        assertContains("192.0.2.128/25", "192.0.2.128", "192.0.2.255");
        assertLacks("192.0.2.128/25", "192.0.2.127");
        assertContains("192.0.2.77/24", "192.0.2.1");
        assertContains("0.0.0.0/0", "255.255.255.255");
        assertLacks("0.0.0.0/0", "2001:db8::1");
        assertContains("2001:db8::/33", "2001:db8:7fff::1");
        assertLacks("2001:db8::/33", "2001:db8:8000::1");
        assertContains("::/0", "2001:db8::1");
        assertLacks("::/0", "192.0.2.7");
    }

    @Test
    void treatsAnIpv4MappedAddressAsIpv4() {
        assertContains("192.0.2.0/24", "::ffff:192.0.2.9", "::FFFF:c000:209");
        assertContains("::ffff:192.0.2.9", "192.0.2.9");
        assertContains("::ffff:192.0.2.0/120", "192.0.2.200", "::ffff:192.0.2.200");
        assertLacks("::ffff:192.0.2.0/120", "192.0.3.1");
        assertThat(AddressRange.parse("::ffff:192.0.2.0/95")).isEmpty();
    }

    @Test
    void parsesNoAmbiguousAddress() {
        for (String text : List.of(
                "",
                " ",
                "192.0.2.07",
                "010.0.2.7",
                "0x7f.0.0.1",
                "0x7f000001",
                "2130706433",
                "127.1",
                "192.0.2",
                "192.0.2.7.1",
                "192.0.2.256",
                "192.0.2.-1",
                "192.0.2.7:8080",
                " 192.0.2.7",
                "192.0.2.7\n",
                "fe80::1%eth0",
                "fe80::1%25eth0",
                "[::1]",
                "[::1]:8080",
                ":::",
                "1::2::3",
                "12345::",
                "g::1",
                "::192.0.2.300",
                "localhost",
                "example.org",
                "_hidden",
                "unknown",
                "192.0.2.0/",
                "192.0.2.0/33",
                "192.0.2.0/-1",
                "192.0.2.0/+1",
                "192.0.2.0/ 24",
                "192.0.2.0/24/24",
                "192.0.2.0/255.255.255.0",
                "192.0.2.0/\u0661",
                "2001:db8::/129",
                "/24",
                "*")) {
            assertThat(AddressRange.parse(text)).as("'" + text + "'").isEmpty();
        }
    }

    private static void assertContains(String range, String... addresses) {
        for (String address : addresses) {
            assertThat(range(range).contains(address(address)))
                    .as(address + " in " + range)
                    .isTrue();
        }
    }

    private static void assertLacks(String range, String... addresses) {
        for (String address : addresses) {
            assertThat(range(range).contains(address(address)))
                    .as(address + " in " + range)
                    .isFalse();
        }
    }

    private static AddressRange range(String text) {
        return AddressRange.parse(text).orElseThrow();
    }

    private static InetAddress address(String text) {
        return AddressRange.parseAddress(text).orElseThrow();
    }
}
