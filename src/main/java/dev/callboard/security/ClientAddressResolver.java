package dev.callboard.security;

import dev.callboard.settings.AddressRange;
import dev.callboard.text.SafeText;
import io.vertx.core.MultiMap;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Determines the client address from the connection's peer, the headers of the request itself and {@code
 * callboard.trusted-proxies}. {@code X-Forwarded-For} is read only if the peer is a trusted proxy, and from right to
 * left, since each proxy appends the address of its own peer. Everything to the left of the first address that is no
 * trusted proxy was sent by the client, and is not read at all. A pure function of immutable values, safe for use by any
 * number of threads.
 */
final class ClientAddressResolver {
    private static final String X_FORWARDED_FOR = "X-Forwarded-For";

    /** Headers that show that a request came through a proxy, as each {@code X-Forwarded-} header does. */
    private static final List<String> PROXY_HEADERS = List.of("Forwarded", "X-Real-IP", "Via");

    private static final String FORWARDED_PREFIX = "X-Forwarded-";

    /**
     * An address with a port or in brackets, as some proxies write it: {@code 192.0.2.1:4711}, {@code [2001:db8::1]},
     * {@code [2001:db8::1]:4711}.
     */
    private static final Pattern WITH_PORT =
            Pattern.compile("(?:(?<four>[0-9.]{7,15})|\\[(?<six>[0-9A-Fa-f:.]{2,45})])(?::(?<port>[0-9]{1,5}))?");

    private static final int MAX_PORT = 65535;
    private static final int MAX_SHOWN = 60;

    private final List<AddressRange> trustedProxies;

    ClientAddressResolver(List<AddressRange> trustedProxies) {
        this.trustedProxies = List.copyOf(trustedProxies);
    }

    /**
     * Determines the client of a request.
     *
     * @param peer the address of the connection's peer; empty if it has none
     * @param headers the headers of the request itself, not of a Camel message
     * @throws CallerRejectedException if the address cannot be determined, or the peer is a proxy that is not trusted
     */
    Client resolve(Optional<InetAddress> peer, MultiMap headers) throws CallerRejectedException {
        InetAddress address = peer.orElseThrow(() -> new CallerRejectedException(
                RejectionReason.PEER, "no IP address", "unknown", "the connection has no IP address"));
        if (isTrustedProxy(address)) {
            return readForwardedFor(address, headers);
        }
        if (isLocal(address)) {
            rejectUntrustedProxy(address, headers);
        }
        return new Client(address, List.of());
    }

    boolean isTrustedProxy(InetAddress address) {
        return AddressRange.anyContains(trustedProxies, address);
    }

    private static boolean isLocal(InetAddress address) {
        return AddressRange.anyContains(AddressRange.LOOPBACK, address)
                || AddressRange.anyContains(AddressRange.PRIVATE, address);
    }

    private static void rejectUntrustedProxy(InetAddress peer, MultiMap headers) throws CallerRejectedException {
        for (Map.Entry<String, String> header : headers) {
            String name = header.getKey();
            if (showsProxy(name)) {
                throw new CallerRejectedException(
                        RejectionReason.UNTRUSTED_PROXY,
                        Client.network(peer),
                        Client.text(peer),
                        "it sent the header " + SafeText.line(name, MAX_SHOWN)
                                + ", so it is a proxy; add it to callboard.trusted-proxies if it is yours");
            }
        }
    }

    private static boolean showsProxy(String name) {
        for (String header : PROXY_HEADERS) {
            if (name.equalsIgnoreCase(header)) {
                return true;
            }
        }
        return name.regionMatches(true, 0, FORWARDED_PREFIX, 0, FORWARDED_PREFIX.length());
    }

    private Client readForwardedFor(InetAddress peer, MultiMap headers) throws CallerRejectedException {
        List<InetAddress> proxies = new ArrayList<>();
        proxies.add(peer);
        // Several headers with this name are one list (RFC 9110, 5.3).
        List<String> lines = headers.getAll(X_FORWARDED_FOR);
        for (int line = lines.size() - 1; line >= 0; line--) {
            String[] entries = lines.get(line).split(",", -1);
            for (int i = entries.length - 1; i >= 0; i--) {
                String entry = withoutSpace(entries[i]);
                Optional<InetAddress> address = address(entry);
                if (address.isEmpty()) {
                    throw rejected(
                            proxies,
                            "X-Forwarded-For has '" + SafeText.line(entry, MAX_SHOWN) + "', not an IP address");
                }
                if (!isTrustedProxy(address.get())) {
                    Collections.reverse(proxies);
                    return new Client(address.get(), proxies);
                }
                proxies.add(address.get());
            }
        }
        throw rejected(
                proxies, lines.isEmpty() ? "there is no X-Forwarded-For" : "X-Forwarded-For has only trusted proxies");
    }

    /** @param proxies the trusted proxies on the way, the nearest first */
    private static CallerRejectedException rejected(List<InetAddress> proxies, String problem) {
        String network = Client.network(proxies.get(proxies.size() - 1));
        Collections.reverse(proxies);
        return new CallerRejectedException(
                RejectionReason.FORWARDING,
                network,
                Client.toString("unknown", proxies),
                problem + "; have the proxy append the address of its client");
    }

    /** Removes HTTP's optional white space (RFC 9110, 5.6.3); any other space makes the entry invalid. */
    private static String withoutSpace(String entry) {
        int from = 0;
        int to = entry.length();
        while (from < to && isSpace(entry.charAt(from))) {
            from++;
        }
        while (from < to && isSpace(entry.charAt(to - 1))) {
            to--;
        }
        return entry.substring(from, to);
    }

    private static boolean isSpace(char c) {
        return c == ' ' || c == '\t';
    }

    private static Optional<InetAddress> address(String entry) {
        Optional<InetAddress> plain = AddressRange.parseAddress(entry);
        if (plain.isPresent()) {
            return plain;
        }
        Matcher matcher = WITH_PORT.matcher(entry);
        if (!matcher.matches()) {
            return Optional.empty();
        }
        String port = matcher.group("port");
        if (port != null && Integer.parseInt(port) > MAX_PORT) {
            return Optional.empty();
        }
        String four = matcher.group("four");
        // Brackets are for IPv6 only, IPv4-mapped addresses included.
        return four != null
                ? AddressRange.parseAddress(four)
                : AddressRange.parseAddress(matcher.group("six"))
                        .filter(address -> matcher.group("six").indexOf(':') >= 0);
    }
}
