package dev.callboard.security;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.callboard.settings.AddressRange;
import io.vertx.core.MultiMap;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The client address of a request, with the trusted proxies 10.0.0.5, 10.0.1.0/24, 127.0.0.1, 198.51.100.9 and
 * 2001:db8:ff::/48.
 */
class ClientAddressTest {
    private static final ClientAddressResolver RESOLVER = new ClientAddressResolver(
            Stream.of("10.0.0.5", "10.0.1.0/24", "127.0.0.1", "2001:db8:ff::/48", "198.51.100.9")
                    .map(text -> AddressRange.parse(text).orElseThrow())
                    .toList());

    /** Headers are separated by {@code &&}; {@code !} is followed by the reason of a rejection. */
    @ParameterizedTest(name = "{0} | {1} -> {2}")
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            textBlock =
                    """
            # no proxy
            203.0.113.7          | ``                                                            | 203.0.113.7
            2001:db8::7          | ``                                                            | 2001:db8::7
            2001:DB8:0:0:0:0:0:7 | ``                                                            | 2001:db8::7
            ::ffff:203.0.113.7   | ``                                                            | 203.0.113.7
            ::ffff:cb00:7107     | ``                                                            | 203.0.113.7
            192.168.1.9          | ``                                                            | 192.168.1.9
            127.0.0.2            | ``                                                            | 127.0.0.2
            fe80::1%eth0         | ``                                                            | fe80::1
            no-address           | ``                                                            | !peer
            # forwarding headers of a public peer are ignored
            203.0.113.7          | X-Forwarded-For: 54.212.95.175                                | 203.0.113.7
            203.0.113.7          | Forwarded: for=54.212.95.175 && Via: 1.1 x && X-Real-IP: 10.0.0.5 | 203.0.113.7
            2001:db8::7          | X-Forwarded-For: 54.212.95.175                                | 2001:db8::7
            # a local peer with a forwarding header that is no trusted proxy
            127.0.0.2            | X-Forwarded-For: 54.212.95.175                                | !untrusted_proxy
            10.0.0.6             | X-Forwarded-For: 54.212.95.175                                | !untrusted_proxy
            10.0.0.6             | x-forwarded-proto: https                                      | !untrusted_proxy
            10.0.0.6             | X-Forwarded-Anything: 1                                       | !untrusted_proxy
            10.0.0.6             | Forwarded: for=54.212.95.175                                  | !untrusted_proxy
            172.16.0.1           | X-Real-IP: 54.212.95.175                                      | !untrusted_proxy
            192.168.3.4          | Via: 1.1 proxy                                                | !untrusted_proxy
            100.64.1.1           | X-Forwarded-Host: x                                           | !untrusted_proxy
            169.254.1.1          | via: 1.0 x                                                    | !untrusted_proxy
            ::1                  | X-Forwarded-For: 54.212.95.175                                | !untrusted_proxy
            fd00::5              | X-Forwarded-For: 54.212.95.175                                | !untrusted_proxy
            fe80::5%eth0         | X-Forwarded-For: 54.212.95.175                                | !untrusted_proxy
            ::ffff:10.0.0.6      | X-Forwarded-For: 54.212.95.175                                | !untrusted_proxy
            # one trusted proxy
            10.0.0.5             | X-Forwarded-For: 203.0.113.7                                  | 203.0.113.7
            ::ffff:10.0.0.5      | X-Forwarded-For: 203.0.113.7                                  | 203.0.113.7
            2001:db8:ff::1       | X-Forwarded-For: 203.0.113.7                                  | 203.0.113.7
            10.0.0.5             | x-forwarded-for: 203.0.113.7                                  | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 2001:db8::7                                  | 2001:db8::7
            10.0.0.5             | X-Forwarded-For: ::ffff:203.0.113.7                           | 203.0.113.7
            10.0.0.5             | X-Forwarded-For: 192.168.7.7                                  | 192.168.7.7
            10.0.0.5             | X-Forwarded-For: 203.0.113.7 && Via: 1.1 x && Forwarded: for=1.2.3.4 | 203.0.113.7
            # what the client itself sent is to the left, and not read
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
            # invalid entries, and spellings that other programs read differently
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
    void resolvesTheFirstAddressFromTheRightThatIsNoTrustedProxy(String peer, String headers, String expected) {
        if (expected.startsWith("!")) {
            assertThatThrownBy(() -> RESOLVER.resolve(peer(peer), headers(headers)))
                    .asInstanceOf(InstanceOfAssertFactories.type(CallerRejectedException.class))
                    .satisfies(
                            rejection -> assertThat(rejection.reason().code()).isEqualTo(expected.substring(1)))
                    .satisfies(rejection -> assertThat(rejection.getMessage().contains("callboard.trusted-proxies"))
                            .isEqualTo(rejection.reason() == RejectionReason.UNTRUSTED_PROXY));
        } else {
            assertThat(Client.text(resolve(peer, headers(headers)).address())).isEqualTo(expected);
        }
    }

    /** As Java has the peer of a connection. A zone is an interface of this machine, here always the second. */
    private static Optional<InetAddress> peer(String text) {
        Optional<InetAddress> address = AddressRange.parseAddress(text.replaceFirst("%.*", ""));
        return text.contains("%") ? address.map(ClientAddressTest::withZone) : address;
    }

    private static InetAddress withZone(InetAddress address) {
        try {
            return Inet6Address.getByAddress(null, address.getAddress(), 2);
        } catch (UnknownHostException e) {
            throw new IllegalArgumentException(e);
        }
    }

    private static Client resolve(String peer, MultiMap headers) {
        try {
            return RESOLVER.resolve(peer(peer), headers);
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
    void namesTheProxiesBetweenTheClientAndThisProcess() {
        MultiMap headers = headers("X-Forwarded-For: 54.212.95.175, 2001:db8::7, 10.0.1.77");
        assertThat(resolve("10.0.0.5", headers)).hasToString("2001:db8::7 proxies=10.0.1.77,10.0.0.5");
        assertThat(resolve("10.0.0.5", headers("X-Forwarded-For: 203.0.113.7")))
                .hasToString("203.0.113.7 proxies=10.0.0.5");
        assertThat(resolve("203.0.113.7", headers(""))).hasToString("203.0.113.7");
    }

    @Test
    void countsAnIpv6NetworkAsOneCaller() {
        assertThat(resolve("2001:db8:1:2:3:4:5:6", headers("")).network()).isEqualTo("2001:db8:1:2::/64");
        assertThat(resolve("::ffff:203.0.113.7", headers("")).network()).isEqualTo("203.0.113.7");
    }

    @Test
    void cutsAndCleansWhatTheCallerSent() {
        MultiMap headers = MultiMap.caseInsensitiveMultiMap()
                .add("X-Forwarded-For", "\u202e\u001b[31mnews\u2028" + "x".repeat(5000) + "%n${env:HOME}");
        assertThatThrownBy(() -> RESOLVER.resolve(peer("10.0.0.5"), headers))
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
    void parsesNoOtherTextAsARange(String text) {
        assertThat(AddressRange.parse(text)).isEmpty();
    }

    @Test
    void parsesRanges() {
        assertThat(Stream.of("1.2.3.4", "10.0.0.0/8", "::ffff:10.0.0.0/104", "0123:db8::/32", "::/0")
                        .map(text -> AddressRange.parse(text).orElseThrow().toString())
                        .map(text -> text.toLowerCase(Locale.ROOT)))
                .isEqualTo(List.of("1.2.3.4", "10.0.0.0/8", "10.0.0.0/8", "123:db8::/32", "::/0"));
    }
}
