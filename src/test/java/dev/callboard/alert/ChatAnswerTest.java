package dev.callboard.alert;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.security.cert.CertificateException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What each answer of a webhook means. */
final class ChatAnswerTest {
    private static final Instant NOON = Instant.parse("2026-03-01T12:00:00Z");
    private static final Set<String> WEBHOOK = Set.of("webhook");
    private final ChatAnswer answers =
            new ChatAnswer(URI.create("https://hooks.example.com/services/T0123/abc%2Fdef?sig=s3cret-_x&v=1"));

    @ParameterizedTest
    @ValueSource(ints = {200, 201, 202, 204})
    void isAccepted(int status) {
        assertThat(answers.of(status, "600", "anything", NOON)).isEqualTo(DeliveryResult.accepted(WEBHOOK));
    }

    @ParameterizedTest
    @ValueSource(ints = {400, 401, 403, 404, 405, 410, 413, 415, 422})
    void isRejectedForGood(int status) {
        DeliveryResult result = answers.of(status, null, "invalid_token", NOON);
        assertThat(result.rejected()).isEqualTo(WEBHOOK);
        assertThat(result.settingsAtFault()).isTrue();
        assertThat(result.error())
                .isEqualTo("the webhook at hooks.example.com rejected the message: HTTP " + status + ", invalid_token");
    }

    @ParameterizedTest
    @CsvSource({
        "408, false",
        "425, false",
        "429, false",
        "500, false",
        "503, false",
        "301, true",
        "302, true",
        "101, false"
    })
    void isDeferred(int status, boolean settingsAtFault) {
        DeliveryResult result = answers.of(status, null, "", NOON);
        assertThat(result.deferred()).isEqualTo(WEBHOOK);
        assertThat(result.settingsAtFault()).isEqualTo(settingsAtFault);
        assertThat(result.isOutage()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "429, 30, PT30S",
        "429, 0, PT1S",
        "429, 64.5, PT64.5S",
        "429, 99999, PT1H",
        "503, 7, PT7S",
        "500, 7, ",
        "429, soon, ",
        "429, -5, ",
        "429, 'Sun, 01 Mar 2026 12:02:00 GMT', PT2M",
        "429, 'Sun, 01 Mar 2026 11:00:00 GMT', PT1S"
    })
    void waitsAsLongAsItIsAskedTo(int status, String retryAfter, Duration wait) {
        DeliveryResult result = answers.of(status, retryAfter, "", NOON);
        assertThat(result.retryAfter().orElse(null)).isEqualTo(wait);
        assertThat(result.isOutage()).isEqualTo(wait == null);
    }

    @Test
    void quotesNoPartOfTheUrl() {
        for (String quote : new String[] {
            "Cannot POST /services/T0123/abc%2Fdef?sig=s3cret-_x&v=1",
            "Cannot POST /services/T0123/abc/def",
            "https://hooks.example.com/services/T0123/abc%2Fdef?sig=s3cret-_x&v=1 is gone",
            "sig s3cret-_x is wrong"
        }) {
            assertThat(answers.of(404, null, quote, NOON).error()).doesNotContain("s3cret", "abc%2F", "abc/def");
            assertThat(answers.none(new IOException(quote)).error()).doesNotContain("s3cret", "abc%2F", "abc/def");
        }
    }

    @Test
    void quotesOneShortLine() {
        assertThat(answers.of(500, null, "<html>\r\n\u202e" + "x".repeat(100_000), NOON)
                        .error())
                .matches("[^\\p{Cntrl}\\u202e]{100,350}");
    }

    @Test
    void tellsAnOutageFromAMissingAnswer() {
        assertThat(answers.none(new ConnectException("Connection refused")).isOutage())
                .isTrue();
        assertThat(answers.none(new UnknownHostException("hooks.example.com")).isOutage())
                .isTrue();
        assertThat(answers.none(new SocketTimeoutException("9000")).isOutage())
                .as("the chat may have the message")
                .isFalse();
        assertThat(answers.none(new IOException("its lease could not be renewed", new SQLException()))
                        .isOutage())
                .as("nothing was posted")
                .isTrue();
        SSLHandshakeException untrusted = new SSLHandshakeException("PKIX path building failed");
        untrusted.initCause(new CertificateException("no path"));
        assertThat(answers.none(untrusted).settingsAtFault()).isTrue();
        assertThat(answers.none(new IllegalStateException("a bug at /services/T0123/abc%2Fdef"))
                        .error())
                .isEqualTo("the message to the webhook at hooks.example.com could not be sent: IllegalStateException");
    }
}
