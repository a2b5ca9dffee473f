package dev.callboard.alert;

import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import dev.callboard.text.Similar;
import jakarta.mail.internet.AddressException;
import jakarta.mail.internet.InternetAddress;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Who receives the mails about a kind of alert and a provider. The recipients of the kind come before those of the
 * provider, and these before {@code callboard.alerts.to}. Recipients for a kind that is not built in declare it. Immutable
 * and safe for any number of threads.
 */
public final class Recipients {
    private static final String NONE = "none";

    /** Addresses are ASCII, since SMTPUTF8 (RFC 6531) is not used; a domain in Unicode has an ASCII form (xn--). */
    private static final Pattern ASCII = Pattern.compile("[!-~]{3,254}");

    /** By the code of the kind. */
    private final Map<String, List<InternetAddress>> byKind = new LinkedHashMap<>();

    private final Map<String, List<InternetAddress>> byProvider = new LinkedHashMap<>();
    private final List<InternetAddress> byDefault;
    private final InternetAddress from;

    /** @throws StartException if an address is none, or can't be reached from the mail host that is set */
    public Recipients(Settings settings) {
        this.byDefault = addresses(Settings.Alerts.TO, settings.alerts().to(), settings);
        this.from = sender(settings);
        settings.alerts().toByKind().forEach((kind, to) -> {
            String key = Settings.Alerts.keyOfKind(kind);
            // Any other name declares a kind; one that is spelled almost like a built-in kind is a mistake.
            if (!AlertKind.codes().contains(kind)) {
                Similar.nearest(kind, AlertKind.codes()).ifPresent(meant -> {
                    throw StartException.of(key, "there is no such alert kind; did you mean " + meant + "?");
                });
            }
            byKind.put(kind, to.equals(NONE) ? List.of() : addresses(key, to, settings));
        });
        settings.alerts()
                .toByProvider()
                .forEach((provider, to) ->
                        byProvider.put(provider, addresses(Settings.Alerts.keyOfProvider(provider), to, settings)));
    }

    private static InternetAddress sender(Settings settings) {
        List<InternetAddress> addresses =
                addresses(Settings.Alerts.FROM, settings.alerts().from(), settings);
        if (addresses.size() > 1) {
            throw StartException.of(Settings.Alerts.FROM, "is more than one address");
        }
        return addresses.get(0);
    }

    private static List<InternetAddress> addresses(String key, String value, Settings settings) {
        Map<String, InternetAddress> addresses = new LinkedHashMap<>();
        try {
            for (InternetAddress address : InternetAddress.parse(value, true)) {
                address.validate();
                check(key, address.getAddress(), settings);
                addresses.putIfAbsent(address.getAddress().toLowerCase(Locale.ROOT), address);
            }
        } catch (AddressException e) {
            throw StartException.of(key, "'" + value + "' is not a mail address (" + e.getMessage() + ")");
        }
        if (addresses.isEmpty()) {
            throw StartException.of(key, "is empty");
        }
        return List.copyOf(addresses.values());
    }

    private static void check(String key, String address, Settings settings) {
        if (!ASCII.matcher(address).matches() || address.contains(",")) {
            throw StartException.of(key, "'" + address + "' has a character that mail servers do not take");
        }
        String host = settings.mail().host().orElse("");
        boolean local = address.toLowerCase(Locale.ROOT).endsWith("@localhost");
        if (local && !host.isEmpty() && !AddressRange.isLoopbackName(host)) {
            throw StartException.of(
                    key, "'" + address + "' can't be reached by the mail server " + host + "; set a real address");
        }
    }

    /** The codes of the kinds that a route may set: the built-in ones, then those that the settings declare. */
    public Set<String> kinds() {
        Set<String> kinds = new LinkedHashSet<>(AlertKind.codes());
        kinds.addAll(byKind.keySet());
        return Collections.unmodifiableSet(kinds);
    }

    InternetAddress from() {
        return from;
    }

    /** All addresses that the settings name, each once. */
    List<InternetAddress> all() {
        Map<String, InternetAddress> all = new LinkedHashMap<>();
        byDefault.forEach(address -> all.putIfAbsent(DeliveryResult.normalize(address), address));
        byProvider
                .values()
                .forEach(list -> list.forEach(address -> all.putIfAbsent(DeliveryResult.normalize(address), address)));
        byKind.values()
                .forEach(list -> list.forEach(address -> all.putIfAbsent(DeliveryResult.normalize(address), address)));
        return List.copyOf(all.values());
    }

    /** The recipients of a kind of alert about a provider; empty if the kind is switched off. */
    List<InternetAddress> of(AlertKind kind, String provider) {
        if (byKind.containsKey(kind.code())) {
            return byKind.get(kind.code());
        }
        return kind.isForAllRecipients() ? all() : byProvider.getOrDefault(provider, byDefault);
    }

    /** Whether the alert about an undeliverable mail has a recipient other than these, in lower case. */
    boolean hasOthers(Set<String> addresses) {
        return of(AlertKind.UNDELIVERED, "").stream()
                .anyMatch(address -> !addresses.contains(DeliveryResult.normalize(address)));
    }
}
