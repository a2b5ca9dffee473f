package dev.callboard.security;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The client of a request.
 *
 * @param address the first address that is no trusted proxy
 * @param proxies the trusted proxies between that address and this process, the farthest first; empty without any
 */
record Client(InetAddress address, List<InetAddress> proxies) {
    /** The /64 that one site or one server usually gets (RFC 6177). */
    private static final int IPV6_NETWORK_BYTES = 8;

    private static final int MAX_PROXIES_SHOWN = 5;

    Client {
        proxies = List.copyOf(proxies);
    }

    /** For log lines, after {@code client=}: {@code 203.0.113.7}, or {@code 203.0.113.7 proxies=10.0.1.77,10.0.0.5}. */
    @Override
    public String toString() {
        return toString(text(address), proxies);
    }

    /** @param client an address, or what is logged in its place if it is unknown */
    static String toString(String client, List<InetAddress> proxies) {
        if (proxies.isEmpty()) {
            return client;
        }
        return proxies.stream()
                .skip(Math.max(0, proxies.size() - MAX_PROXIES_SHOWN))
                .map(Client::text)
                .collect(Collectors.joining(",", client + " proxies=", ""));
    }

    String network() {
        return network(address);
    }

    /** An address as text: IPv6 in its short form (RFC 5952). */
    static String text(InetAddress address) {
        return NetUtil.toAddressString(address);
    }

    /** What counts as one caller in logs and mails: an IPv4 address, or the /64 of an IPv6 address. */
    static String network(InetAddress address) {
        byte[] bytes = address.getAddress();
        if (bytes.length <= IPV6_NETWORK_BYTES) {
            return text(address);
        }
        Arrays.fill(bytes, IPV6_NETWORK_BYTES, bytes.length, (byte) 0);
        try {
            return text(InetAddress.getByAddress(bytes)) + "/64";
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }
}
