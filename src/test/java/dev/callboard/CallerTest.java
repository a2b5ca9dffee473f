package dev.callboard;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.net.InetAddress;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Who is let in, and what an address is. */
final class CallerTest {
    private static final ListAppender<ILoggingEvent> LOG = new ListAppender<>();
    private static TestCallboard trial;
    private static TestCallboard strict;

    @BeforeAll
    static void start() {
        trial = TestCallboard.start(Backend.H2);
        strict = TestCallboard.start(Backend.H2, Map.of("callboard.trial", "false"));
        LOG.start();
        ((Logger) LoggerFactory.getLogger(SourceCheck.class)).addAppender(LOG);
    }

    @AfterAll
    static void stop() {
        ((Logger) LoggerFactory.getLogger(SourceCheck.class)).detachAppender(LOG);
        trial.close();
        strict.close();
    }

    @Test
    void refusesLoopbackUnlessItIsATrial() {
        assertRefused(strict, "callboard.trial");
        assertThat(trial.post("fotor", body("trial")).statusCode()).isEqualTo(200);
    }

    @Test
    void refusesACallerBehindAProxyThatNobodyNamed() {
        for (String header : List.of(
                "X-Forwarded-For",
                "X-Forwarded-Host",
                "X-Forwarded-Port",
                "X-Forwarded-Proto",
                "X-Forwarded-Prefix",
                "X-Forwarded-Server",
                "Forwarded",
                "X-Real-IP",
                "Via")) {
            assertRefused(trial, "callboard.trusted-proxies", header, "54.212.95.175");
            assertRefused(trial, "callboard.trusted-proxies", header.toLowerCase(Locale.ROOT), "");
        }
    }

    @Test
    void takesNoAddressFromTheQuery() {
        assertThat(trial.post("fotor?X-Forwarded-For=54.212.95.175", body("query"))
                        .statusCode())
                .isEqualTo(200);
        assertThat(trial.rows("SELECT source_address FROM callback WHERE task_id = 'query'"))
                .containsExactly(Map.of("source_address", "127.0.0.1"));
    }

    @Test
    void aSingleAddressIsTheRangeOfItself() {
        assertContains("192.0.2.7", "192.0.2.7");
        assertLacks("192.0.2.7", "192.0.2.8", "::1", "::ffff:192.0.2.8");
        assertContains("2001:db8::1", "2001:db8:0:0::1", "2001:DB8::1");
        assertLacks("2001:db8::1", "2001:db8::2", "192.0.2.7");
    }

    @Test
    void aRangeIsAllThatSharesItsLeadingBits() {
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
    void anIpv4AddressInIpv6IsThatIpv4Address() {
        assertContains("192.0.2.0/24", "::ffff:192.0.2.9", "::FFFF:c000:209");
        assertContains("::ffff:192.0.2.9", "192.0.2.9");
        assertContains("::ffff:192.0.2.0/120", "192.0.2.200", "::ffff:192.0.2.200");
        assertLacks("::ffff:192.0.2.0/120", "192.0.3.1");
        assertThat(AddressRange.parse("::ffff:192.0.2.0/95")).isEmpty();
    }

    @Test
    void readsNoAddressThatAnotherReaderCouldReadDifferently() {
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

    private static void assertRefused(TestCallboard callboard, String reason, String... headers) {
        Map<String, Object> kept = callboard.kept();
        LOG.list.clear();
        HttpResponse<String> answer = callboard.post("fotor", body("refused"), headers);
        assertThat(answer.statusCode()).isEqualTo(403);
        assertThat(answer.body()).isEmpty();
        assertThat(callboard.kept()).isEqualTo(kept);
        assertThat(LOG.list)
                .extracting(ILoggingEvent::getFormattedMessage)
                .singleElement()
                .asString()
                .contains("fotor", "127.0.0.1", reason);
    }

    private static String body(String id) {
        return "{\"taskId\": \"" + id + "\", \"status\": 2}";
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
