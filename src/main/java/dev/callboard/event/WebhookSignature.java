package dev.callboard.event;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * The signature of a request, by which a receiver knows that Callboard has sent it: Standard Webhooks 1.0
 * (github.com/standard-webhooks/standard-webhooks, "Signature scheme"), symmetric. Immutable and safe for use by any number
 * of threads.
 */
final class WebhookSignature {
    private static final String SECRET = "whsec_";
    private static final String VERSION = "v1,";
    private static final String ALGORITHM = "HmacSHA256";

    private final List<SecretKeySpec> keys;

    /** @param secrets each {@code whsec_} and the base64 of its bytes */
    WebhookSignature(List<String> secrets) {
        this.keys = secrets.stream()
                .map(secret ->
                        new SecretKeySpec(Base64.getDecoder().decode(secret.substring(SECRET.length())), ALGORITHM))
                .toList();
    }

    /** Whether requests are signed at all. */
    boolean isUsed() {
        return !keys.isEmpty();
    }

    /**
     * The value of {@code webhook-signature}: one signature for each secret, separated by a space.
     *
     * @param id the value of {@code webhook-id}
     * @param time of the attempt; its seconds are the value of {@code webhook-timestamp}
     */
    String sign(String id, Instant time, byte[] body) {
        byte[] head = (id + "." + time.getEpochSecond() + ".").getBytes(StandardCharsets.UTF_8);
        return keys.stream().map(key -> VERSION + base64(key, head, body)).collect(Collectors.joining(" "));
    }

    private static String base64(SecretKeySpec key, byte[] head, byte[] body) {
        try {
            Mac mac = Mac.getInstance(ALGORITHM);
            mac.init(key);
            mac.update(head);
            return Base64.getEncoder().encodeToString(mac.doFinal(body));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("the JVM has no " + ALGORITHM, e);
        }
    }

    /** Shows no secret. */
    @Override
    public String toString() {
        return "WebhookSignature[keys=" + keys.size() + "]";
    }
}
