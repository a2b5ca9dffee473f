package dev.callboard.alert;

import dev.callboard.settings.Settings;
import dev.callboard.text.Causes;
import dev.callboard.text.RetryAfter;
import dev.callboard.text.SafeText;
import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.URI;
import java.net.URLDecoder;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * What the answer of a webhook means (RFC 9110). Only a 4xx rejects a message for good, except 408, 425 and 429; everything
 * else is attempted again. An answer may quote the request, so no part of the URL but the host stays in an error. Immutable
 * and safe for any number of threads.
 */
final class ChatAnswer {
    private static final int TOO_MANY_REQUESTS = 429;
    private static final Set<Integer> TEMPORARY = Set.of(408, 425, TOO_MANY_REQUESTS);
    private static final int MAX_QUOTE = 200;

    /** A shorter part of a URL is a word like api rather than a secret. */
    private static final int MIN_SECRET = 6;

    private final String host;

    /** What must not be shown, the longest first. */
    private final Set<String> secrets =
            new TreeSet<>(Comparator.comparing(String::length).reversed().thenComparing(Comparator.naturalOrder()));

    ChatAnswer(URI url) {
        this.host = url.getHost();
        addSecret(url.toString());
        addSecret(url.getRawPath());
        addSecret(url.getRawQuery());
        for (String part : (url.getRawPath() + "?" + url.getRawQuery()).split("[/?&=]", -1)) {
            addSecret(part);
        }
        addSecret(url.getRawPath() + "?" + url.getRawQuery());
    }

    private void addSecret(String secret) {
        if (secret != null && secret.length() >= MIN_SECRET) {
            secrets.add(secret);
            try {
                secrets.add(URLDecoder.decode(secret, StandardCharsets.UTF_8));
            } catch (IllegalArgumentException e) {
                // A % that encodes nothing, so that there is no other form.
            }
        }
    }

    /**
     * The result of an attempt that was answered.
     *
     * @param retryAfter the header of that name; null if there is none
     * @param body the beginning of the answer
     */
    DeliveryResult of(int status, String retryAfter, String body, Instant now) {
        if (status / 100 == 2) {
            return DeliveryResult.accepted(Set.of(Settings.Alerts.WEBHOOK));
        }
        String quoted = shown(body, MAX_QUOTE);
        String answer = "HTTP " + status + (quoted.isEmpty() ? "" : ", " + quoted);
        if (status / 100 == 4 && !TEMPORARY.contains(status)) {
            // Nobody may be left to be told by an alert, so the health check tells it.
            return DeliveryResult.rejected(
                    Settings.Alerts.WEBHOOK, true, "the webhook at " + host + " rejected the message: " + answer);
        }
        boolean isRedirect = status / 100 == 3;
        Optional<Duration> wait =
                status == TOO_MANY_REQUESTS || status == 503 ? RetryAfter.read(retryAfter, now) : Optional.empty();
        return DeliveryResult.deferred(
                Settings.Alerts.WEBHOOK,
                isRedirect,
                false,
                wait,
                "the webhook at " + host
                        + (isRedirect
                                ? " answered with a redirect, which is not followed: HTTP " + status
                                : " did not accept the message: " + answer));
    }

    /** The result of an attempt without an answer. */
    DeliveryResult none(Throwable failure) {
        String why = "the webhook at " + host + " can't be reached: " + shown(message(failure), MAX_QUOTE);
        boolean settingsAtFault = false;
        boolean unanswered = false;
        if (has(failure, CertificateException.class) || has(failure, SSLPeerUnverifiedException.class)) {
            settingsAtFault = true;
            why = "the certificate of the webhook at " + host + " is not trusted: "
                    + shown(message(failure), MAX_QUOTE);
        } else if (has(failure, SQLException.class)) {
            why = "the message to the webhook at " + host + " was not posted: " + shown(message(failure), MAX_QUOTE);
        } else if (!has(failure, IOException.class)) {
            why = "the message to the webhook at " + host + " could not be sent: "
                    + failure.getClass().getSimpleName();
        } else if (!isBeforeRequest(failure)) {
            unanswered = true;
            why = "the webhook at " + host + " did not answer: " + shown(message(failure), MAX_QUOTE);
        }
        return DeliveryResult.deferred(
                Settings.Alerts.WEBHOOK,
                settingsAtFault,
                unanswered,
                Optional.empty(),
                SafeText.line(why, DeliveryResult.MAX_ERROR));
    }

    private static boolean isBeforeRequest(Throwable failure) {
        return has(failure, ConnectException.class)
                || has(failure, NoRouteToHostException.class)
                || has(failure, UnknownHostException.class)
                || has(failure, org.apache.hc.client5.http.ConnectTimeoutException.class);
    }

    private static boolean has(Throwable failure, Class<? extends Throwable> type) {
        return Causes.find(failure, type).isPresent();
    }

    private static String message(Throwable failure) {
        return failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    }

    /** A text on one line, without a part of the URL. */
    private String shown(String text, int maxLength) {
        String shown = text == null ? "" : text;
        for (String secret : secrets) {
            shown = shown.replace(secret, "...");
        }
        return SafeText.line(shown, maxLength);
    }
}
