package dev.callboard.alert;

import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import dev.callboard.settings.StartException;
import jakarta.mail.internet.AddressException;
import jakarta.mail.internet.InternetAddress;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.camel.Variable;

/**
 * The bean {@code recipients}: who gets the mails about a kind of alert of a provider. What is set for the kind comes
 * before what is set for the provider, and that before {@code callboard.alerts.to}. Immutable, and so safe for any
 * number of threads.
 */
public final class Recipients {
    /** Every kind of alert, in the order of README. {@code undelivered} tells that a mail was refused for good. */
    public static final List<String> KINDS =
            List.of("failed", "no_result", "incomplete", "flagged", "unknown", "refused", "malformed", "undelivered");

    /** The value that switches a kind off. */
    private static final String NOBODY = "none";

    /** SMTPUTF8 is not spoken, so an address is of ASCII; a domain of other letters has such a form (xn--...). */
    private static final Pattern ASCII = Pattern.compile("[!-~]{3,254}");

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
            if (!KINDS.contains(kind)) {
                throw StartException.of(key, "there is no such alert kind");
            }
            byKind.put(kind, to.equals(NOBODY) ? List.of() : addresses(key, to, settings));
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
                    key, "'" + address + "' is nobody whom the mail server " + host + " can reach; set a real address");
        }
    }

    InternetAddress from() {
        return from;
    }

    /** All addresses that any setting names, each once. */
    public List<InternetAddress> everybody() {
        Map<String, InternetAddress> all = new LinkedHashMap<>();
        byDefault.forEach(address -> all.putIfAbsent(word(address), address));
        byProvider.values().forEach(list -> list.forEach(address -> all.putIfAbsent(word(address), address)));
        byKind.values().forEach(list -> list.forEach(address -> all.putIfAbsent(word(address), address)));
        return List.copyOf(all.values());
    }

    private static String word(InternetAddress address) {
        return address.getAddress().toLowerCase(Locale.ROOT);
    }

    /** Who gets a kind of alert of a provider; empty if the kind is switched off. */
    List<InternetAddress> of(String kind, String provider) {
        if (byKind.containsKey(kind)) {
            return byKind.get(kind);
        }
        if (kind.equals("undelivered")) {
            return everybody();
        }
        return byProvider.getOrDefault(provider, byDefault);
    }

    /** Who has still to get a mail: those of its kind and provider, without those for whom it was taken or refused. */
    public List<InternetAddress> left(@Variable("mail") Map<String, Object> mail) {
        Set<String> done = new HashSet<>(split(mail.get("taken_for")));
        done.addAll(split(mail.get("refused_for")));
        return of(String.valueOf(mail.get("kind")), String.valueOf(mail.get("provider"))).stream()
                .filter(address -> !done.contains(word(address)))
                .toList();
    }

    /** Whether the settings name anybody but these. */
    public boolean hasOthers(@Variable("refused") String refused) {
        Set<String> without = Set.copyOf(split(refused));
        return of("undelivered", "").stream().anyMatch(address -> !without.contains(word(address)));
    }

    /** The addresses of a column of table mail, in lower case. */
    static List<String> split(Object commaSeparated) {
        List<String> addresses = new ArrayList<>();
        for (String address : String.valueOf(commaSeparated).split(",", -1)) {
            if (!address.isBlank()) {
                addresses.add(address.strip().toLowerCase(Locale.ROOT));
            }
        }
        return addresses;
    }
}
