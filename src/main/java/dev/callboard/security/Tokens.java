package dev.callboard.security;

import dev.callboard.settings.Settings;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.camel.Body;

/**
 * The bean {@code tokens}: holds the tokens that a callback URL must carry as {@code ?token=}, and strikes them out of
 * what is kept. A provider has none, one, or two while they are changed. Immutable, and so safe for any number of
 * threads.
 */
public final class Tokens {
    /** What stands where a token stood; harmless in JSON, in a URL and in a mail. */
    static final String STRUCK_OUT = "***";

    private static final String PARAMETER = "token";
    private static final int MAX_PARAMETERS = 1024;

    private final Map<String, List<byte[]>> tokens = new HashMap<>();
    private final Optional<Pattern> anyToken;

    public Tokens(Settings settings) {
        List<String> all = new ArrayList<>();
        for (String provider : settings.providerNames()) {
            List<byte[]> own = new ArrayList<>();
            for (String token : settings.providers().get(provider).tokens()) {
                own.add(token.getBytes(StandardCharsets.UTF_8));
                all.add(token);
            }
            tokens.put(provider, own);
        }
        anyToken = all.isEmpty()
                ? Optional.empty()
                : Optional.of(Pattern.compile(all.stream().map(Tokens::forms).collect(Collectors.joining("|"))));
    }

    /** A token in each form it can be repeated in: plain, percent-encoded (RFC 3986) once or twice, as JSON's escape. */
    private static String forms(String token) {
        return token.chars()
                .mapToObj(c -> {
                    String hex = "(?i:" + Integer.toHexString(c) + ")";
                    return "(?:" + Pattern.quote(String.valueOf((char) c)) + "|%(?:25)?" + hex + "|\\\\u00" + hex + ")";
                })
                .collect(Collectors.joining());
    }

    /** What is wrong with a query for a provider; empty if it needs no token or has a right one, exactly once. */
    Optional<String> objection(String provider, String query) {
        List<byte[]> right = tokens.getOrDefault(provider, List.of());
        if (right.isEmpty()) {
            return Optional.empty();
        }
        List<String> given = given(query);
        if (given.size() != 1) {
            return Optional.of(given.isEmpty() ? "has no token in its URL" : "has more than one token in its URL");
        }
        byte[] bytes = given.get(0).getBytes(StandardCharsets.UTF_8);
        boolean matches = false;
        // All are compared, so that the time tells nothing of which one is near.
        for (byte[] token : right) {
            matches |= MessageDigest.isEqual(token, bytes);
        }
        return matches ? Optional.empty() : Optional.of("has a wrong token in its URL");
    }

    /** From the query itself: Vert.x's parameters hold form fields too. */
    private static List<String> given(String query) {
        if (query == null) {
            return List.of();
        }
        try {
            // A semicolon separates nothing: what a proxy in front logs or matches must be what we read.
            return new QueryStringDecoder(query, StandardCharsets.UTF_8, false, MAX_PARAMETERS, true)
                    .parameters()
                    .getOrDefault(PARAMETER, List.of());
        } catch (IllegalArgumentException e) {
            return List.of();
        }
    }

    /** The body of a callback as it may be kept: without any token of ours, which a provider repeats in URLs. */
    public String strikeOut(@Body String text) {
        if (text == null) {
            // An empty body: what that means is for the steps after this one.
            return text;
        }
        return anyToken.map(pattern -> pattern.matcher(text).replaceAll(STRUCK_OUT))
                .orElse(text);
    }
}
