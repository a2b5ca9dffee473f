package dev.callboard.settings;

import java.net.URI;
import java.net.URISyntaxException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The values of all keys, and what each can be parsed as. Every method throws a {@link StartException} that names the
 * key if its value is not valid; a token's value is never shown.
 */
final class SettingValues {
    private static final Pattern DURATION = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");
    private static final Pattern DAYS = Pattern.compile("([1-9][0-9]{0,4})d");
    private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9._~-]{32,64}");
    /** RFC 7617 leaves open how a login with other characters is encoded. */
    private static final Pattern PASSWORD = Pattern.compile("[ -~]{16,200}");

    /** What an HTTP header may have, without a space at its ends. */
    private static final Pattern SECRET = Pattern.compile("[!-~]{1,1000}");

    private static final Pattern HOST_NAME = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]{0,250}[A-Za-z0-9])?");
    /** What a secret of Standard Webhooks begins with. Its specification asks for 24 to 64 bytes, its examples have 18. */
    private static final String SIGNING_SECRET = "whsec_";

    private static final int MIN_SECRET_BYTES = 16;
    private static final int MAX_SECRET_BYTES = 64;
    private static final int MAX_TOKENS = 2;
    private static final int MAX_PORT = 65535;
    private static final String ANY = "any";

    private final Map<String, String> values;

    SettingValues(Map<String, String> values) {
        this.values = Collections.unmodifiableMap(values);
    }

    Map<String, String> all() {
        return values;
    }

    /** The value as it is; may be empty. */
    String get(String key) {
        return values.get(key);
    }

    String text(String key) {
        return optionalText(key).orElseThrow(() -> StartException.of(key, "is empty"));
    }

    Optional<String> optionalText(String key) {
        return Optional.ofNullable(get(key)).filter(value -> !value.isEmpty());
    }

    boolean flag(String key) {
        return oneOf(key, new Boolean[] {true, false}, String::valueOf);
    }

    <T> T oneOf(String key, T[] allowed, Function<T, String> code) {
        return Arrays.stream(allowed)
                .filter(candidate -> code.apply(candidate).equals(get(key)))
                .findFirst()
                .orElseThrow(() -> StartException.of(
                        key,
                        "'" + get(key) + "' is none of "
                                + Arrays.stream(allowed).map(code).collect(Collectors.joining(", "))));
    }

    int port(String key) {
        return integer(key, 1, MAX_PORT);
    }

    int integer(String key, int min, int max) {
        try {
            int value = Integer.parseInt(get(key));
            if (value >= min && value <= max) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Falls through to the one message for all that is not a number in range.
        }
        throw StartException.of(key, "'" + get(key) + "' is not a number from " + min + " to " + max);
    }

    /** A key for an API, which becomes an HTTP header; empty if the value is. Is not shown if it is not valid. */
    Optional<String> secret(String key) {
        return optionalText(key).map(value -> {
            if (!SECRET.matcher(value).matches()) {
                throw StartException.of(key, "has a character other than visible ASCII, or more than 1000");
            }
            return value;
        });
    }

    /** The URL before the path of an API, without a slash at its end; empty if the value is. */
    Optional<URI> baseUrl(String key) {
        return anyBaseUrl(key, "https://api.example.com").map(url -> {
            boolean isEncrypted = "https".equals(url.getScheme());
            if (!isEncrypted && !("http".equals(url.getScheme()) && AddressRange.isLoopbackName(url.getHost()))) {
                throw StartException.of(
                        key, "must begin with https://, since keys are sent to it (http:// is allowed on loopback)");
            }
            return url;
        });
    }

    /** A URL that is only shown to people, without a slash at its end; empty if the value is. */
    Optional<URI> shownUrl(String key) {
        String example = "https://callboard.example.com";
        return anyBaseUrl(key, example).map(url -> {
            if (!"https".equals(url.getScheme()) && !"http".equals(url.getScheme())) {
                throw StartException.of(key, "is not a URL like " + example);
            }
            return url;
        });
    }

    private Optional<URI> anyBaseUrl(String key, String example) {
        return optionalText(key).map(value -> {
            URI url;
            try {
                url = new URI(value);
            } catch (URISyntaxException e) {
                throw StartException.of(key, "is not a URL like " + example);
            }
            boolean isBase = url.getHost() != null
                    && url.getRawQuery() == null
                    && url.getRawFragment() == null
                    && url.getRawUserInfo() == null
                    && !value.endsWith("/");
            if (!isBase) {
                throw StartException.of(key, "is not a URL like " + example);
            }
            return url;
        });
    }

    /** The URL of a receiver of ours, which may contain a token and is not shown; empty if the value is. */
    Optional<URI> receiverUrl(String key) {
        return optionalText(key).map(value -> {
            URI url = SECRET.matcher(value).matches() ? uri(value) : null;
            if (url == null
                    || !("https".equalsIgnoreCase(url.getScheme()) || "http".equalsIgnoreCase(url.getScheme()))
                    || url.getHost() == null
                    || url.getRawUserInfo() != null
                    || url.getRawFragment() != null
                    || url.getPort() > MAX_PORT) {
                throw StartException.of(
                        key,
                        "is not a URL like https://example.com/hooks/..., of at most 1000 visible ASCII characters and"
                                + " without a user name or a fragment (the value is not shown)");
            }
            return url;
        });
    }

    /** The same of a URL that is a secret, so that it must not be sent unencrypted to another machine. */
    Optional<URI> secretUrl(String key) {
        Optional<URI> url = receiverUrl(key);
        if (url.isPresent() && !isEncryptedOrLocal(url.get())) {
            throw StartException.of(
                    key, "must begin with https://, since it is a secret (http:// is allowed on loopback)");
        }
        return url;
    }

    private static URI uri(String value) {
        try {
            return new URI(value);
        } catch (URISyntaxException e) {
            return null;
        }
    }

    private static boolean isEncryptedOrLocal(URI url) {
        return "https".equalsIgnoreCase(url.getScheme())
                || ("http".equalsIgnoreCase(url.getScheme()) && AddressRange.isLoopbackName(url.getHost()));
    }

    /** One secret of a webhook, or two while it is changed, as Standard Webhooks writes them; none if the value is empty. */
    List<String> signingSecrets(String key) {
        List<String> secrets = list(key);
        if (secrets.size() > MAX_TOKENS || !secrets.stream().allMatch(SettingValues::isSigningSecret)) {
            throw StartException.of(
                    key,
                    "is not " + SIGNING_SECRET + " and the base64 of " + MIN_SECRET_BYTES + " to " + MAX_SECRET_BYTES
                            + " bytes, or two of these with a comma between (the value is not shown)");
        }
        return secrets;
    }

    private static boolean isSigningSecret(String secret) {
        try {
            int length = secret.startsWith(SIGNING_SECRET)
                    ? Base64.getDecoder().decode(secret.substring(SIGNING_SECRET.length())).length
                    : 0;
            return length >= MIN_SECRET_BYTES && length <= MAX_SECRET_BYTES;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    /** A time with its unit: 500ms, 10s, 5m, 1h, 3d. */
    Duration duration(String key, Duration min, Duration max) {
        Matcher matcher = DURATION.matcher(get(key));
        if (matcher.matches()) {
            long count = Long.parseLong(matcher.group(1));
            Duration value =
                    switch (matcher.group(2)) {
                        case "ms" -> Duration.ofMillis(count);
                        case "s" -> Duration.ofSeconds(count);
                        case "m" -> Duration.ofMinutes(count);
                        case "h" -> Duration.ofHours(count);
                        default -> Duration.ofDays(count);
                    };
            if (value.compareTo(min) >= 0 && value.compareTo(max) <= 0) {
                return value;
            }
        }
        throw StartException.of(
                key,
                "'" + get(key) + "' is not a time like 10s or 5m, from " + min.toMillis() + "ms to " + max.toMillis()
                        + "ms");
    }

    /** A number of days like 90d; empty if the value is. */
    Optional<Duration> optionalDays(String key) {
        return optionalText(key).map(value -> {
            Matcher matcher = DAYS.matcher(value);
            if (!matcher.matches()) {
                throw StartException.of(key, "'" + value + "' is not a number of days like 90d");
            }
            return Duration.ofDays(Long.parseLong(matcher.group(1)));
        });
    }

    ZoneId timeZone(String key) {
        try {
            return ZoneId.of(get(key));
        } catch (DateTimeException e) {
            throw StartException.of(key, "'" + get(key) + "' is not a time zone like UTC or Europe/Berlin");
        }
    }

    /** The entries of a comma-separated value. */
    List<String> list(String key) {
        return Arrays.stream(get(key).split(",", -1))
                .map(String::strip)
                .filter(entry -> !entry.isEmpty())
                .toList();
    }

    List<AddressRange> ranges(String key) {
        return list(key).stream()
                .map(entry -> AddressRange.parse(entry)
                        .orElseThrow(() -> StartException.of(
                                key,
                                "'" + entry + "' is not an IP address or a range like 192.0.2.0/24 or 2001:db8::/32")))
                .toList();
    }

    /** Addresses and ranges, or {@code any}; with loopback if this is a trial. */
    List<AddressRange> sources(String key, boolean trial) {
        List<AddressRange> sources = new ArrayList<>(list(key).equals(List.of(ANY)) ? AddressRange.ALL : ranges(key));
        if (trial) {
            sources.addAll(AddressRange.LOOPBACK);
        }
        return List.copyOf(sources);
    }

    List<String> hostNames(String key) {
        return list(key).stream()
                .map(name -> {
                    if (!HOST_NAME.matcher(name).matches()) {
                        throw StartException.of(
                                key, "'" + name + "' is not a host name like callboard.internal, without a port");
                    }
                    return name;
                })
                .toList();
    }

    /** A password that others use against us; empty if the value is. */
    Optional<String> password(String key) {
        return optionalText(key).map(password -> {
            if (!PASSWORD.matcher(password).matches()) {
                throw StartException.of(key, "does not have 16 to 200 characters of ASCII (the value is not shown)");
            }
            return password;
        });
    }

    List<String> tokens(String key) {
        List<String> tokens = list(key);
        if (tokens.size() > MAX_TOKENS
                || !tokens.stream().allMatch(token -> TOKEN.matcher(token).matches())) {
            throw StartException.of(
                    key,
                    "is not one token, or two with a comma between, of 32 to 64 letters, digits and the characters -._~"
                            + " each (the value is not shown)");
        }
        return tokens;
    }
}
