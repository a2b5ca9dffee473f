package dev.callboard.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.AddressRange;
import io.vertx.core.MultiMap;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whom the caller's address is taken for, with the proxies 10.0.0.5, 10.0.1.0/24, 127.0.0.1 and 2001:db8:ff::/48 trusted. */
class ClientAddressTest {
    private static final ClientAddressResolver ADDRESSES = new ClientAddressResolver(
            Stream.of("10.0.0.5", "10.0.1.0/24", "127.0.0.1", "2001:db8:ff::/48", "198.51.100.9")
                    .map(text -> AddressRange.parse(text).orElseThrow())
                    .toList());

    /** Headers are separated by {@code &&}; what begins with ! is the reason of a refusal. */
    @ParameterizedTest(name = "{0} | {1} -> {2}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            # nobody stands in between
            203.0.113.7          | ``                                                            | 203.0.113.7
            2001:db8::7          | ``                                                            | 2001:db8::7
            2001:DB8:0:0:0:0:0:7 | ``                                                            | 2001:db8::7
            ::ffff:203.0.113.7   | ``                                                            | 203.0.113.7
            ::ffff:cb00:7107     | ``                                                            | 203.0.113.7
            192.168.1.9          | ``                                                            | 192.168.1.9
            127.0.0.2            | ``                                                            | 127.0.0.2
            fe80::1%eth0         | ``                                                            | fe80::1
            no-address           | ``                                                            | !peer
            # a stranger from afar can write what it likes
            203.0.113.7          | X-Forwarded-For: 54.212.95.175                                | 203.0.113.7
            203.0.113.7          | Forwarded: for=54.212.95.175 && Via: 1.1 x && X-Real-IP: 10.0.0.5 | 203.0.113.7
            2001:db8::7          | X-Forwarded-For: 54.212.95.175                                | 2001:db8::7
            # near us stands a proxy that nobody has named
            127.0.0.2            | X-Forwarded-For: 54.212.95.175                                | !untold_proxy
            10.0.0.6             | X-Forwarded-For: 54.212.95.175                                | !untold_proxy
            10.0.0.6             | x-forwarded-proto: https                                      | !untold_proxy
            10.0.0.6             | X-Forwarded-Anything: 1                                       | !untold_proxy
            10.0.0.6             | Forwarded: for=54.212.95.175                                  | !untold_proxy
            172.16.0.1           | X-Real-IP: 54.212.95.175                                      | !untold_proxy
            192.168.3.4          | Via: 1.1 proxy                                                | !untold_proxy
            100.64.1.1           | X-Forwarded-Host: x                                           | !untold_proxy
            169.254.1.1          | via: 1.0 x                                                    | !untold_proxy
            ::1                  | X-Forwarded-For: 54.212.95.175                                | !untold_proxy
            fd00::5              | X-Forwarded-For: 54.212.95.175                                | !untold_proxy
            fe80::5%eth0         | X-Forwarded-For: 54.212.95.175                                | !untold_proxy
            ::ffff:10.0.0.6      | X-Forwarded-For: 54.212.95.175                                | !untold_proxy
            # one trusted proxy
            10.0.0.5             | X-Forwarded-For: 203.0.113.7                                  | 203.0.113.7
            ::ffff:10.0.0.5      | X-Forwarded-For: 203.0.113.7                                  | 203.0.113.7
            2001:db8:ff::1       | X-Forwarded-For: 203.0.113.7                                  | 203.0.113.7
            10.0.0.5             | x-forwarded-for: 203.0.113.7                                  | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 2001:db8::7                                  | 2001:db8::7
            10.0.0.5             | X-Forwarded-For: ::ffff:203.0.113.7                           | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 192.168.7.7                                  | 192.168.7.7
            10.0.0.5             | X-Forwarded-For: 203.0.113.7 && Via: 1.1 x && Forwarded: for=1.2.3.4 | 203.0.113.7
            # what the caller forged stands to the left and is not looked at
            10.0.0.5             | X-Forwarded-For: 54.212.95.175, 203.0.113.7                   | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: junk, , 203.0.113.7                          | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 10.0.0.5, 203.0.113.7                        | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 54.212.95.175 && X-Forwarded-For: 203.0.113.7 | 203.0.113.7
            # several trusted proxies, lines and lists
            10.0.0.5             | X-Forwarded-For: 203.0.113.7, 10.0.1.77                       | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 203.0.113.7,10.0.1.77,2001:db8:ff:1::2       | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 54.212.95.175, 203.0.113.7 && X-Forwarded-For: 10.0.1.1, 10.0.1.2 | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 203.0.113.7, 198.51.100.9                    | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 203.0.113.7, 10.0.2.1                        | 10.0.2.1
            # spaces and tabs
            10.0.0.5             | `X-Forwarded-For:   54.212.95.175  ,\t203.0.113.7\t `         | 203.0.113.7
            # ports and brackets
            10.0.0.5             | X-Forwarded-For: 203.0.113.7:4711                             | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: [2001:db8::7]:4711                           | 2001:db8::7
            10.0.0.5             | X-Forwarded-For: [2001:db8::7]                                | 2001:db8::7
            10.0.0.5             | X-Forwarded-For: [::ffff:203.0.113.7]:1                       | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 203.0.113.7, 10.0.1.9:80, [2001:db8:ff::2]:80 | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 203.0.113.7:65535                            | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 203.0.113.7:65536                            | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7:                                 | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7:x                                | !forwarding
            10.0.0.5             | X-Forwarded-For: [2001:db8::7                                 | !forwarding
            10.0.0.5             | X-Forwarded-For: [203.0.113.7]                                | !forwarding
            10.0.0.5             | X-Forwarded-For: [[2001:db8::7]]                              | !forwarding
            10.0.0.5             | X-Forwarded-For: [fe80::1%25eth0]                             | !forwarding
            10.0.0.5             | X-Forwarded-For: fe80::1%eth0                                 | !forwarding
            # no entry, empty entries, proxies alone
            10.0.0.5             | ``                                                            | !forwarding
            10.0.0.5             | Forwarded: for=203.0.113.7                                    | !forwarding
            10.0.0.5             | X-Real-IP: 203.0.113.7                                        | !forwarding
            10.0.0.5             | `X-Forwarded-For: `                                           | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7,                                 | !forwarding
            10.0.0.5             | `X-Forwarded-For: 203.0.113.7, ,10.0.1.1`                     | !forwarding
            10.0.0.5             | `X-Forwarded-For: 203.0.113.7 && X-Forwarded-For: `           | !forwarding
            10.0.0.5             | X-Forwarded-For: 10.0.1.1                                     | !forwarding
            10.0.0.5             | X-Forwarded-For: 10.0.1.1, 10.0.0.5 && X-Forwarded-For: 127.0.0.1 | !forwarding
            # junk, and spellings that others read in other ways
            10.0.0.5             | X-Forwarded-For: unknown                                      | !forwarding
            10.0.0.5             | X-Forwarded-For: localhost                                    | !forwarding
            10.0.0.5             | X-Forwarded-For: example.org                                  | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7, unknown                         | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7, junk, 10.0.1.1                  | !forwarding
            10.0.0.5             | X-Forwarded-For: 0313.0.0161.07                               | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.000.113.007                              | !forwarding
            10.0.0.5             | X-Forwarded-For: 0xcb.0x0.0x71.0x7                            | !forwarding
            10.0.0.5             | X-Forwarded-For: 0xcb007107                                   | !forwarding
            10.0.0.5             | X-Forwarded-For: 3405803783                                   | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.7                                        | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113                                    | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7.                                 | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.256                                | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7/32                               | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7 54.212.95.175                    | !forwarding
            10.0.0.5             | X-Forwarded-For: "203.0.113.7"                                | !forwarding
            10.0.0.5             | X-Forwarded-For: "[2001:db8::7]:4711"                         | !forwarding
            10.0.0.5             | X-Forwarded-For: for=203.0.113.7                              | !forwarding
            10.0.0.5             | X-Forwarded-For: ::ffff:203.0.113.07                          | !forwarding
            10.0.0.5             | X-Forwarded-For: ::ffff:0313.0.0161.07                        | !forwarding
            10.0.0.5             | X-Forwarded-For: 2001:db8::7::1                               | !forwarding
            10.0.0.5             | X-Forwarded-For: 2001:db8:1:2:3:4:5:6:7                       | !forwarding
            10.0.0.5             | X-Forwarded-For: 2001:db8::00007                              | !forwarding
            10.0.0.5             | X-Forwarded-For: :::                                          | !forwarding
            10.0.0.5             | X-Forwarded-For: ٢٠٣.0.113.7                                  | !forwarding
            10.0.0.5             | X-Forwarded-For: ２０３.0.113.7                               | !forwarding
            10.0.0.5             | X-Forwarded-For: _hidden                                      | !forwarding
            10.0.0.5             | X-Forwarded-For: 203.0.113.7;54.212.95.175                    | !forwarding
            10.0.0.5             | X-Forwarded-For: -1                                           | !forwarding
            """)
    void takesTheFirstAddressFromTheRightThatIsNoTrustedProxy(String peer, String headers, String expected) {
        if (expected.startsWith("!")) {
            assertThatThrownBy(() -> ADDRESSES.find(peer, headers(headers)))
                    .asInstanceOf(InstanceOfAssertFactories.type(CallerRejectedException.class))
                    .satisfies(refusal -> assertThat(refusal.reason().word()).isEqualTo(expected.substring(1)))
                    .satisfies(refusal -> assertThat(refusal.getMessage().contains("callboard.trusted-proxies"))
                            .isEqualTo(refusal.reason() == RejectionReason.UNTOLD_PROXY));
        } else {
            assertThat(find(peer, headers(headers)).address().getHostAddress())
                    .isEqualTo(AddressRange.parseAddress(expected).orElseThrow().getHostAddress());
        }
    }

    private static Client find(String peer, MultiMap headers) {
        try {
            return ADDRESSES.find(peer, headers);
        } catch (CallerRejectedException e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    private static MultiMap headers(String lines) {
        MultiMap headers = MultiMap.caseInsensitiveMultiMap();
        for (String line : lines.split(" && ", -1)) {
            if (!line.isEmpty()) {
                int colon = line.indexOf(':');
                headers.add(
                        line.substring(0, colon),
                        line.substring(colon + 1).replaceFirst("^ ", "").replace("\\t", "\t"));
            }
        }
        return headers;
    }

    @Test
    void saysThroughWhichProxiesACallerWasSeen() {
        MultiMap headers = headers("X-Forwarded-For: 54.212.95.175, 2001:db8::7, 10.0.1.77");
        assertThat(find("10.0.0.5", headers)).hasToString("2001:db8::7 through the proxies 10.0.1.77, 10.0.0.5");
        assertThat(find("10.0.0.5", headers("X-Forwarded-For: 203.0.113.7")))
                .hasToString("203.0.113.7 through the proxy 10.0.0.5");
        assertThat(find("203.0.113.7", headers(""))).hasToString("203.0.113.7");
    }

    @Test
    void countsAnIpv6NetworkAsOnePlace() {
        assertThat(find("2001:db8:1:2:3:4:5:6", headers("")).place()).isEqualTo("2001:db8:1:2::/64");
        assertThat(find("::ffff:203.0.113.7", headers("")).place()).isEqualTo("203.0.113.7");
    }

    @Test
    void showsNoMoreOfJunkThanALine() {
        MultiMap headers = MultiMap.caseInsensitiveMultiMap()
                .add("X-Forwarded-For", "\u202e\u001b[31mnews\u2028" + "x".repeat(5000) + "%n${env:HOME}");
        assertThatThrownBy(() -> ADDRESSES.find("10.0.0.5", headers))
                .message()
                .hasSizeLessThan(200)
                .doesNotContain("\u202e", "\u001b", "\u2028");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "1.2.3",
                "01.2.3.4",
                "1.2.3.4/33",
                "1.2.3.4/-1",
                "1.2.3.4/",
                "/8",
                "::1/129",
                "::ffff:1.2.3.4/95",
                "x",
                "",
                "1.2.3.4/8/8",
                "0x1.2.3.4",
                "1.2.3.4 ",
                "::1%lo",
                "[::1]"
            })
    void takesNoOtherTextForARange(String text) {
        assertThat(AddressRange.parse(text)).isEmpty();
    }

    @Test
    void readsRanges() {
        assertThat(Stream.of("1.2.3.4", "10.0.0.0/8", "::ffff:10.0.0.0/104", "0123:db8::/32", "::/0")
                        .map(text -> AddressRange.parse(text).orElseThrow().toString())
                        .map(text -> text.toLowerCase(Locale.ROOT)))
                .isEqualTo(List.of("1.2.3.4", "10.0.0.0/8", "10.0.0.0/8", "123:db8::/32", "::/0"));
    }
}
