package dev.callboard;

import io.vertx.core.http.HttpServerRequest;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.camel.Exchange;
import org.apache.camel.component.platform.http.vertx.HttpMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The bean {@code sourceCheck}, the first step of each route that opens an HTTP path: is this caller one that the
 * provider's allow list names? The caller is the socket's peer. It reads the request itself and nothing that a query
 * parameter or a form field could have put beside it. Safe for any number of threads.
 */
public final class SourceCheck {
    private static final Logger LOG = LoggerFactory.getLogger(SourceCheck.class);

    /** Headers by which a proxy tells for whom it speaks. */
    private static final List<String> FORWARDING_HEADERS = List.of(
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Port",
            "X-Forwarded-Proto",
            "X-Forwarded-Prefix",
            "X-Forwarded-Server",
            "Forwarded",
            "X-Real-IP",
            "Via");

    private final Map<String, List<AddressRange>> allowed = new HashMap<>();

    SourceCheck(Settings settings) {
        for (String provider : settings.providers()) {
            allowed.put(provider, settings.allowedSources(provider));
        }
    }

    /**
     * Lets the caller in and sets the variable {@code sourceAddress}.
     *
     * @throws CallerRefusedException if the variable {@code provider} names a provider that this caller can't speak for
     */
    public void admit(Exchange exchange) throws CallerRefusedException {
        String provider = exchange.getVariable("provider", String.class);
        HttpServerRequest request = exchange.getMessage(HttpMessage.class).getRequest();
        String peer = request.remoteAddress().hostAddress();
        try {
            exchange.setVariable("sourceAddress", admit(provider, peer, request));
        } catch (CallerRefusedException e) {
            LOG.warn("refused a caller of {}: {}", provider, e.getMessage());
            throw e;
        }
    }

    private String admit(String provider, String peer, HttpServerRequest request) throws CallerRefusedException {
        Optional<InetAddress> address = AddressRange.parseAddress(withoutZone(peer));
        if (address.isEmpty()) {
            throw new CallerRefusedException("the peer has no IP address");
        }
        if (isNear(address.get())) {
            for (String header : FORWARDING_HEADERS) {
                if (request.headers().contains(header)) {
                    throw new CallerRefusedException(peer + " sent the header " + header
                            + ", so a proxy stands in front, which callboard.trusted-proxies does not name");
                }
            }
        }
        if (!AddressRange.anyContains(allowed.getOrDefault(provider, List.of()), address.get())) {
            throw new CallerRefusedException(
                    peer + " is not in callboard." + provider + ".allowed-sources" + hint(address.get()));
        }
        return address.get().getHostAddress();
    }

    private static boolean isNear(InetAddress address) {
        return AddressRange.anyContains(AddressRange.LOOPBACK, address)
                || AddressRange.anyContains(AddressRange.PRIVATE, address);
    }

    private static String hint(InetAddress address) {
        return AddressRange.anyContains(AddressRange.LOOPBACK, address)
                ? " (for a first try on this machine: callboard.trial=true)"
                : "";
    }

    private static String withoutZone(String peer) {
        int zone = peer.indexOf('%');
        return zone < 0 ? peer : peer.substring(0, zone);
    }
}
