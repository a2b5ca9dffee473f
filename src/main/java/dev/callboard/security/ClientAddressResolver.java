package dev.callboard.security;

import dev.callboard.settings.AddressRange;
import dev.callboard.text.SafeText;
import io.vertx.core.MultiMap;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Finds the caller's address: a pure function of the connection's peer, the request's own headers and {@code
 * callboard.trusted-proxies}. Only a trusted proxy's {@code X-Forwarded-For} is read, from right to left, since each
 * proxy appends the peer that it saw; all to the left of the first address that is no trusted proxy is the caller's own
 * invention. What stands there is not even looked at. Immutable, and so safe for any number of threads.
 */
final class ClientAddressResolver {
    private static final String X_FORWARDED_FOR = "X-Forwarded-For";

    /** Headers by which a proxy shows itself; each {@code X-Forwarded-} name is one too. */
    private static final List<String> PROXY_HEADERS = List.of("Forwarded", "X-Real-IP", "Via");

    private static final String FORWARDED_PREFIX = "X-Forwarded-";

    /** What proxies write of a peer: {@code 192.0.2.1:4711}, {@code [2001:db8::1]}, {@code [2001:db8::1]:4711}. */
    private static final Pattern WITH_PORT =
            Pattern.compile("(?:(?<four>[0-9.]{7,15})|\\[(?<six>[0-9A-Fa-f:.]{2,45})])(?::(?<port>[0-9]{1,5}))?");

    private static final int MAX_PORT = 65535;
    private static final int MAX_SHOWN = 60;

    private final List<AddressRange> trustedProxies;

    ClientAddressResolver(List<AddressRange> trustedProxies) {
        this.trustedProxies = List.copyOf(trustedProxies);
    }

    /**
     * Who is calling.
     *
     * @param peer the address at the other end of the connection, as text
     * @param headers the headers of the request itself, never a message's
     * @throws CallerRejectedException if that can't be told, or is told by a proxy that nobody has named
     */
    Client find(String peer, MultiMap headers) throws CallerRejectedException {
        InetAddress address = AddressRange.parseAddress(withoutZone(peer))
                .orElseThrow(() -> new CallerRejectedException(
                        RejectionReason.PEER, "no IP address", "the connection has no IP address"));
        if (AddressRange.anyContains(trustedProxies, address)) {
            return walk(address, headers);
        }
        if (isNear(address)) {
            refuseUntoldProxy(address, headers);
        }
        return new Client(address, List.of());
    }

    boolean isTrustedProxy(String peer) {
        return AddressRange.parseAddress(withoutZone(peer))
                .filter(address -> AddressRange.anyContains(trustedProxies, address))
                .isPresent();
    }

    /** A scope ({@code fe80::1%eth0}) is this machine's own word for an interface. */
    static String withoutZone(String peer) {
        int zone = peer.indexOf('%');
        return zone < 0 ? peer : peer.substring(0, zone);
    }

    private static boolean isNear(InetAddress address) {
        return AddressRange.anyContains(AddressRange.LOOPBACK, address)
                || AddressRange.anyContains(AddressRange.PRIVATE, address);
    }

    private static void refuseUntoldProxy(InetAddress peer, MultiMap headers) throws CallerRejectedException {
        for (String name : headers.names()) {
            if (showsProxy(name)) {
                throw new CallerRejectedException(
                        RejectionReason.UNTOLD_PROXY,
                        Client.place(peer),
                        Client.text(peer) + " sent the header " + SafeText.line(name, MAX_SHOWN)
                                + ", so a proxy stands in front, which callboard.trusted-proxies does not name");
            }
        }
    }

    private static boolean showsProxy(String name) {
        return name.regionMatches(true, 0, FORWARDED_PREFIX, 0, FORWARDED_PREFIX.length())
                || PROXY_HEADERS.stream().anyMatch(name::equalsIgnoreCase);
    }

    private Client walk(InetAddress peer, MultiMap headers) throws CallerRejectedException {
        List<InetAddress> proxies = new ArrayList<>();
        proxies.add(peer);
        // Several headers of the name are one list (RFC 9110, 5.3).
        List<String> lines = headers.getAll(X_FORWARDED_FOR);
        for (int line = lines.size() - 1; line >= 0; line--) {
            String[] entries = lines.get(line).split(",", -1);
            for (int i = entries.length - 1; i >= 0; i--) {
                String entry = withoutSpace(entries[i]);
                Optional<InetAddress> address = address(entry);
                if (address.isEmpty()) {
                    throw refused(proxies, "'" + SafeText.line(entry, MAX_SHOWN) + "', which is no address");
                }
                if (!AddressRange.anyContains(trustedProxies, address.get())) {
                    Collections.reverse(proxies);
                    return new Client(address.get(), proxies);
                }
                proxies.add(address.get());
            }
        }
        throw refused(proxies, lines.isEmpty() ? "no X-Forwarded-For" : "an X-Forwarded-For of trusted proxies alone");
    }

    private static CallerRejectedException refused(List<InetAddress> proxies, String what) {
        InetAddress last = proxies.get(proxies.size() - 1);
        return new CallerRejectedException(
                RejectionReason.FORWARDING,
                Client.place(last),
                "the trusted proxy " + Client.text(proxies.get(0)) + " sent " + what
                        + (proxies.size() > 1 ? ", at the end of the way through " + Client.text(last) : ""));
    }

    /** HTTP's optional white space alone; other space is a part of the entry, and makes it junk. */
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
        // In brackets stands IPv6 only, a mapped IPv4 address included.
        return four != null
                ? AddressRange.parseAddress(four)
                : AddressRange.parseAddress(matcher.group("six"))
                        .filter(address -> matcher.group("six").indexOf(':') >= 0);
    }
}
