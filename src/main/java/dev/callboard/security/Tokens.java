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

/**
 * Checks the token that a callback URL must have as {@code ?token=}, and redacts tokens in what
 * is stored. A provider has none, one, or two while its token is being changed. Immutable, and safe for use by any number
 * of threads.
 */
public final class Tokens {
    /** Replaces a token; needs no escape in JSON, in a URL or in a mail. */
    static final String REDACTED = "***";

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

    /**
     * A token in every form in which a body can contain it: plain, percent-encoded (RFC 3986) once or twice, or escaped in
     * JSON. In UTF-16 and UTF-32, zeros are between the characters: such a body is invalid, but kept.
     */
    private static String forms(String token) {
        return token.chars()
                .mapToObj(c -> {
                    String hex = "(?i:" + Integer.toHexString(c) + ")";
                    return "(?:" + Pattern.quote(String.valueOf((char) c)) + "|%(?:25)?" + hex + "|\\\\u00" + hex + ")";
                })
                .collect(Collectors.joining("\\x00{0,3}"));
    }

    /** What is wrong with a query for a provider; empty if it needs no token, or has a valid one exactly once. */
    Optional<String> problem(String provider, String query) {
        List<byte[]> valid = tokens.getOrDefault(provider, List.of());
        if (valid.isEmpty()) {
            return Optional.empty();
        }
        List<String> given = given(query);
        if (given.size() != 1) {
            return Optional.of(given.isEmpty() ? "the URL has no token" : "the URL has more than one token");
        }
        byte[] bytes = given.get(0).getBytes(StandardCharsets.UTF_8);
        boolean matches = false;
        // Each is compared, so that the time does not show which one matched.
        for (byte[] token : valid) {
            matches |= MessageDigest.isEqual(token, bytes);
        }
        return matches ? Optional.empty() : Optional.of("the URL has a wrong token");
    }

    /** Reads the query itself, since Vert.x's parameters contain form fields too. */
    private static List<String> given(String query) {
        if (query == null) {
            return List.of();
        }
        try {
            // A semicolon is no separator, so that a proxy in front reads the query in the same way.
            return new QueryStringDecoder(query, StandardCharsets.UTF_8, false, MAX_PARAMETERS, true)
                    .parameters()
                    .getOrDefault(PARAMETER, List.of());
        } catch (IllegalArgumentException e) {
            return List.of();
        }
    }

    /** Replaces every token in a text, such as one in a callback URL that a provider repeats in its body. */
    public String redact(String text) {
        return anyToken.map(pattern -> pattern.matcher(text).replaceAll(REDACTED))
                .orElse(text);
    }
}
