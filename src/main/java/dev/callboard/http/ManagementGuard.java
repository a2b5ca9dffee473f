package dev.callboard.http;

import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import dev.callboard.text.SafeText;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.core.http.HttpVersion;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who may use the management port. A page of the web that a browser on this machine shows must not: neither by a request to
 * another site (its {@code Origin} or {@code Sec-Fetch-Site} is foreign), nor under a name of its own that it lets resolve to
 * this address (DNS rebinding; its {@code Host} is foreign). Such a request is answered 403. If {@code
 * callboard.management.password} is set, a request without it is answered 401. Rejected requests are counted, and logged
 * at most once a minute. Safe for use by any number of threads.
 */
final class ManagementGuard {
    private static final Logger LOG = LoggerFactory.getLogger(ManagementGuard.class);
    private static final Duration LOG_INTERVAL = Duration.ofMinutes(1);
    private static final int MAX_LOGGED = 100;

    /** RFC 9110, 7.2, without user information. */
    private static final Pattern AUTHORITY =
            Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[^\\[\\]:@/?#\\s]+?)\\.?(?::(\\d{0,5}))?");

    /** RFC 6454, 7, and the beginning of a request target in absolute form (RFC 9112, 3.2.2). */
    private static final Pattern ABSOLUTE = Pattern.compile("(?i)(https?)://([^/?#]*)(.*)");

    private static final Pattern BASIC = Pattern.compile("(?i)Basic +([A-Za-z0-9+/]+={0,2})");
    private static final Set<String> OWN_SITES = Set.of("same-origin", "none");

    /** Why a request was rejected, as in the metric's label. */
    enum Rejection {
        HOST("add the host name to callboard.management.allowed-hosts if it is yours"),
        ORIGIN("a page of another site sent it"),
        FETCH_SITE("a page of another site sent it"),
        PASSWORD("it does not have callboard.management.password");

        private final String code = name().toLowerCase(Locale.ROOT);
        private final String hint;

        Rejection(String hint) {
            this.hint = hint;
        }
    }

    /**
     * What decides about a request. A list has one value for each header of that name.
     *
     * @param needsHost whether the request's version of HTTP requires a host
     * @param target the request target as it was sent
     */
    record Request(
            boolean needsHost,
            String target,
            List<String> hosts,
            List<String> origins,
            List<String> fetchSites,
            List<String> authorizations) {}

    private final Set<String> names;
    private final boolean acceptsAddresses;
    private final Optional<byte[]> password;
    private final Clock clock;
    private final Map<Rejection, Counter> rejected = new EnumMap<>(Rejection.class);
    private final AtomicReference<Instant> nextLogLine = new AtomicReference<>(Instant.MIN);

    ManagementGuard(Settings.Management settings, Clock clock, MeterRegistry meters) {
        this.names = Stream.of(
                        Stream.of(settings.host()),
                        settings.publicUrl().map(URI::getHost).stream(),
                        settings.allowedHosts().stream())
                .flatMap(hosts -> hosts)
                .map(name -> name.toLowerCase(Locale.ROOT))
                .collect(Collectors.toUnmodifiableSet());
        // Only a name can be made to resolve to another address. Off loopback, a probe may use any address that leads
        // here.
        this.acceptsAddresses = !AddressRange.isLoopbackName(settings.host());
        this.password = settings.password().map(text -> text.getBytes(StandardCharsets.UTF_8));
        this.clock = clock;
        for (Rejection reason : Rejection.values()) {
            rejected.put(reason, meters.counter("callboard.management.rejected", "reason", reason.code));
        }
    }

    /** Whether a request may be processed; answers it if not. */
    boolean admit(HttpServerRequest request) {
        Optional<Rejection> rejection = check(read(request));
        rejection.ifPresent(reason -> reject(request, reason));
        return rejection.isEmpty();
    }

    private static Request read(HttpServerRequest request) {
        List<String> hosts = request.headers().getAll("Host");
        if (hosts.isEmpty() && request.authority() != null) {
            hosts = List.of(request.authority().toString());
        }
        return new Request(
                request.version() != HttpVersion.HTTP_1_0,
                request.uri(),
                hosts,
                request.headers().getAll("Origin"),
                request.headers().getAll("Sec-Fetch-Site"),
                request.headers().getAll("Authorization"));
    }

    private void reject(HttpServerRequest request, Rejection reason) {
        rejected.get(reason).increment();
        Instant now = clock.instant();
        Instant next = nextLogLine.get();
        if (!now.isBefore(next) && nextLogLine.compareAndSet(next, now.plus(LOG_INTERVAL))) {
            LOG.warn(
                    "rejected management request reason={} client={} host=\"{}\" origin=\"{}\" ({}; further ones within a"
                            + " minute are only counted)",
                    reason.code,
                    request.remoteAddress().hostAddress(),
                    SafeText.line(String.join(", ", request.headers().getAll("Host")), MAX_LOGGED),
                    SafeText.line(String.join(", ", request.headers().getAll("Origin")), MAX_LOGGED),
                    reason.hint);
        }
        HttpServerResponse response = request.response();
        if (reason == Rejection.PASSWORD) {
            response.putHeader("WWW-Authenticate", "Basic realm=\"callboard\", charset=\"UTF-8\"");
        }
        response.setStatusCode(reason == Rejection.PASSWORD ? 401 : 403).end();
    }

    /** Why a request is rejected; empty if it is not. */
    Optional<Rejection> check(Request request) {
        if (!isHostOurs(request)) {
            return Optional.of(Rejection.HOST);
        }
        if (!request.origins().stream().allMatch(origin -> isSame(origin, request.hosts()))) {
            return Optional.of(Rejection.ORIGIN);
        }
        if (!OWN_SITES.containsAll(request.fetchSites())) {
            return Optional.of(Rejection.FETCH_SITE);
        }
        return hasPassword(request.authorizations()) ? Optional.empty() : Optional.of(Rejection.PASSWORD);
    }

    private boolean isHostOurs(Request request) {
        List<String> hosts = request.hosts();
        // Each browser sends a host. Only an old probe with HTTP/1.0 may do without.
        if (hosts.size() > 1 || (hosts.isEmpty() && request.needsHost())) {
            return false;
        }
        Matcher absolute = ABSOLUTE.matcher(request.target());
        return (!absolute.matches() || isOurs(absolute.group(2)))
                && hosts.stream().allMatch(this::isOurs);
    }

    private boolean isOurs(String authority) {
        Matcher matcher = AUTHORITY.matcher(authority);
        if (!matcher.matches()) {
            return false;
        }
        String name = name(matcher);
        return AddressRange.isLoopbackName(name)
                || names.contains(name)
                || (acceptsAddresses && AddressRange.parseAddress(name).isPresent());
    }

    private static String name(Matcher authority) {
        return authority.group(1).toLowerCase(Locale.ROOT).replaceAll("[\\[\\]]", "");
    }

    /** Whether an origin is this server as the request names it, with TLS in front or without. */
    private static boolean isSame(String origin, List<String> hosts) {
        Matcher absolute = ABSOLUTE.matcher(origin);
        if (!absolute.matches() || !absolute.group(3).isEmpty() || hosts.isEmpty()) {
            return false;
        }
        Matcher theirs = AUTHORITY.matcher(absolute.group(2));
        Matcher ours = AUTHORITY.matcher(hosts.get(0));
        String defaultPort = absolute.group(1).equalsIgnoreCase("https") ? "443" : "80";
        return theirs.matches()
                && ours.matches()
                && name(theirs).equals(name(ours))
                && port(theirs, defaultPort).equals(port(ours, defaultPort));
    }

    private static String port(Matcher authority, String defaultPort) {
        String port = authority.group(2);
        return port == null || port.isEmpty() ? defaultPort : port;
    }

    /** Whether the login (RFC 7617) has the password; the user's name does not matter. */
    private boolean hasPassword(List<String> authorizations) {
        if (password.isEmpty()) {
            return true;
        }
        if (authorizations.size() != 1) {
            return false;
        }
        Matcher basic = BASIC.matcher(authorizations.get(0).strip());
        if (!basic.matches()) {
            return false;
        }
        try {
            String login = new String(Base64.getDecoder().decode(basic.group(1)), StandardCharsets.UTF_8);
            String given = login.substring(login.indexOf(':') + 1);
            return MessageDigest.isEqual(password.get(), given.getBytes(StandardCharsets.UTF_8));
        } catch (IllegalArgumentException e) {
            return false;
        }
    }
}
