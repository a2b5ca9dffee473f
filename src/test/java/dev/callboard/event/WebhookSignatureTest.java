package dev.callboard.event;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.standardwebhooks.exceptions.WebhookVerificationException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The signature scheme of Standard Webhooks. */
final class WebhookSignatureTest {
    private static final String SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl";
    private static final String OTHER_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private static final String ID = "msg_loFOjxBNrRLzqYUf";
    private static final Instant TIME = Instant.ofEpochSecond(1731705121L, 999_999_999);
    private static final byte[] BODY =
            "{\"event_type\":\"ping\",\"data\":{\"success\":true}}".getBytes(StandardCharsets.UTF_8);
    private static final String SIGNATURE = "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=";

    /** Published with the scheme. */
    @Test
    void signsThePublishedExample() {
        assertThat(new WebhookSignature(List.of(SECRET)).sign(ID, TIME, BODY)).isEqualTo(SIGNATURE);
    }

    @Test
    void signsWithEachOfTwoSecrets() {
        String[] signatures = new WebhookSignature(List.of(OTHER_SECRET, SECRET))
                .sign(ID, TIME, BODY)
                .split(" ");
        assertThat(signatures).hasSize(2).endsWith(SIGNATURE);
        assertThat(signatures[0]).startsWith("v1,").isNotEqualTo(SIGNATURE);
    }

    @Test
    void signsTheIdTheTimeAndTheBody() {
        WebhookSignature signature = new WebhookSignature(List.of(SECRET));
        assertThat(signature.sign(ID + "x", TIME, BODY)).isNotEqualTo(SIGNATURE);
        assertThat(signature.sign(ID, TIME.plusSeconds(1), BODY)).isNotEqualTo(SIGNATURE);
        assertThat(signature.sign(ID, TIME, new byte[0])).isNotEqualTo(SIGNATURE);
    }

    /** The library for receivers of the authors of the scheme. */
    @Test
    void isAcceptedByTheLibraryForReceivers() throws Exception {
        WebhookSignature signature = new WebhookSignature(List.of(OTHER_SECRET, SECRET));
        Instant now = Instant.now();
        for (String body : List.of("", "{}", "{\"text\":\"\u00e4 \u2028 \ud83d\ude00\"}", "x".repeat(100_000))) {
            String signed = signature.sign(ID, now, body.getBytes(StandardCharsets.UTF_8));
            Map<String, List<String>> headers = Map.of(
                    "webhook-id", List.of(ID),
                    "webhook-timestamp", List.of(String.valueOf(now.getEpochSecond())),
                    "webhook-signature", List.of(signed));
            for (String secret : List.of(SECRET, OTHER_SECRET)) {
                new com.standardwebhooks.Webhook(secret).verify(body, headers);
            }
            assertThatThrownBy(() -> new com.standardwebhooks.Webhook(SECRET).verify(body + " ", headers))
                    .isInstanceOf(WebhookVerificationException.class);
        }
    }

    @Test
    void signsNothingWithoutASecret() {
        assertThat(new WebhookSignature(List.of()).isUsed()).isFalse();
        assertThat(new WebhookSignature(List.of(SECRET)).isUsed()).isTrue();
    }

    @Test
    void showsNoSecretAsText() {
        assertThat(new WebhookSignature(List.of(SECRET)).toString()).doesNotContain("plJ3nmy");
    }
}
