package dev.callboard.security;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Who is calling, as far as the network tells.
 *
 * @param address the first address that is no trusted proxy
 * @param proxies the trusted proxies between that address and us, the farthest first; empty without any
 */
record Client(InetAddress address, List<InetAddress> proxies) {
    /** What one household or one server gets of IPv6 (RFC 6177), so what is counted as one place. */
    private static final int IPV6_PLACE_BYTES = 8;

    private static final int MAX_PROXIES_SHOWN = 5;

    Client {
        proxies = List.copyOf(proxies);
    }

    /** For log lines: {@code 203.0.113.7 through the proxy 10.0.0.5}. */
    @Override
    public String toString() {
        String text = text(address);
        if (proxies.isEmpty()) {
            return text;
        }
        String shown = proxies.stream()
                .skip(Math.max(0, proxies.size() - MAX_PROXIES_SHOWN))
                .map(Client::text)
                .collect(Collectors.joining(", "));
        return text + " through the " + (proxies.size() == 1 ? "proxy " : "proxies ") + shown;
    }

    String place() {
        return place(address);
    }

    /** An address as text: IPv6 in its short form (RFC 5952). */
    static String text(InetAddress address) {
        return NetUtil.toAddressString(address);
    }

    /** What counts as one caller in logs and mails: an IPv4 address, or the /64 of an IPv6 address. */
    static String place(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length <= IPV6_PLACE_BYTES) {
            return text(address);
        }
        Arrays.fill(bytes, IPV6_PLACE_BYTES, bytes.length, (byte) 0);
        try {
            return text(InetAddress.getByAddress(bytes)) + "/64";
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
