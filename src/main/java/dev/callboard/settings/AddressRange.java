package dev.callboard.settings;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * A range of IP addresses in CIDR notation (RFC 4632, RFC 4291); a single address is the range of its whole length.
 * IPv4-mapped IPv6 ({@code ::ffff:192.0.2.1}) is the IPv4 address in it, in ranges and in callers alike.
 *
 * @param network the range's first address, 4 or 16 bytes
 * @param prefix how many leading bits count
 */
public record AddressRange(InetAddress network, int prefix) {
    // First, since the constants below are parsed with it.
    private static final Pattern OCTET_WITH_LEADING_ZERO = Pattern.compile("(?:^|[.:])0\\d+\\.|\\.0\\d");

    /** This machine itself. */
    public static final List<AddressRange> LOOPBACK =
            List.of(parse("127.0.0.0/8").orElseThrow(), parse("::1").orElseThrow());

    /** Addresses that no provider calls from: private, link-local and shared ranges (RFC 1918, 4193, 6598, 3927). */
    public static final List<AddressRange> PRIVATE = List.of(
            parse("10.0.0.0/8").orElseThrow(),
            parse("172.16.0.0/12").orElseThrow(),
            parse("192.168.0.0/16").orElseThrow(),
            parse("100.64.0.0/10").orElseThrow(),
            parse("169.254.0.0/16").orElseThrow(),
            parse("fc00::/7").orElseThrow(),
            parse("fe80::/10").orElseThrow());

    /** Every address. */
    static final List<AddressRange> ALL =
            List.of(parse("0.0.0.0/0").orElseThrow(), parse("::/0").orElseThrow());

    /** Reads an address or a range; empty for anything else, such as a name, an octal, hex or short form, or a zone. */
    public static Optional<AddressRange> parse(String text) {
        int slash = text.indexOf('/');
        Optional<InetAddress> parsed = parseAddress(slash < 0 ? text : text.substring(0, slash));
        if (parsed.isEmpty()) {
            return Optional.empty();
        }
        InetAddress address = parsed.get();
        int bits = address.getAddress().length * 8;
        if (slash < 0) {
            return Optional.of(new AddressRange(address, bits));
        }
        String length = text.substring(slash + 1);
        if (!length.matches("\\d{1,3}")) {
            return Optional.empty();
        }
        int prefix = Integer.parseInt(length);
        // A mapped range counts its 96 leading bits too.
        if (bits == 32 && text.indexOf(':') >= 0) {
            prefix -= 96;
        }
        if (prefix < 0 || prefix > bits) {
            return Optional.empty();
        }
        return Optional.of(new AddressRange(address, prefix));
    }

    /** Reads one address, strictly: dotted quad or RFC 4291 text, nothing that needs a DNS query. */
    public static Optional<InetAddress> parseAddress(String text) {
        if (OCTET_WITH_LEADING_ZERO.matcher(text).find()) {
            return Optional.empty();
        }
        boolean four = NetUtil.isValidIpV4Address(text);
        boolean six = text.indexOf(':') >= 0
                && text.indexOf('%') < 0
                && text.indexOf('[') < 0
                && NetUtil.isValidIpV6Address(text);
        if (!four && !six) {
            return Optional.empty();
        }
        try {
            // 16 bytes of a mapped address become an Inet4Address here.
            return Optional.of(InetAddress.getByAddress(NetUtil.createByteArrayFromIpAddressString(text)));
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }

    public boolean contains(InetAddress address) {
        byte[] mine = network.getAddress();
        byte[] theirs = address.getAddress();
        if (mine.length != theirs.length) {
            return false;
        }
        int whole = prefix / 8;
        if (!Arrays.equals(mine, 0, whole, theirs, 0, whole)) {
            return false;
        }
        int rest = prefix % 8;
        return rest == 0 || (mine[whole] & 0xff) >> (8 - rest) == (theirs[whole] & 0xff) >> (8 - rest);
    }

    public static boolean anyContains(List<AddressRange> ranges, InetAddress address) {
        for (AddressRange range : ranges) {
            if (range.contains(address)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a host that is set by name or address is this machine's loopback; without a DNS query. */
    public static boolean isLoopbackName(String host) {
        return host.equals("localhost")
                || parseAddress(host)
                        .filter(address -> anyContains(LOOPBACK, address))
                        .isPresent();
    }

    @Override
    public String toString() {
        String address = NetUtil.toAddressString(network);
        return prefix == network.getAddress().length * 8 ? address : address + "/" + prefix;
    }
}
