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
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Who receives the mails about a kind of alert and a provider: mail addresses, and the chat, which the word {@link
 * Settings.Alerts#WEBHOOK} stands for. The recipients of the kind come before those of the provider, and these before {@code
 * callboard.alerts.to}. Recipients for a kind that is not built in declare it. Immutable and safe for any number of threads.
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
    private final Optional<Settings.Webhook> webhook;

    /**
     * @throws StartException if an address is none, or can't be reached from the mail host that is set, or if the word for the
     *     chat and its URL are not both there
     */
    public Recipients(Settings settings) {
        this.webhook = settings.alerts().webhook();
        this.byDefault = recipients(Settings.Alerts.TO, settings.alerts().to(), settings);
        settings.alerts().toByKind().forEach((kind, to) -> {
            String key = Settings.Alerts.keyOfKind(kind);
            // Any other name declares a kind; one that is spelled almost like a built-in kind is a mistake.
            if (!AlertKind.codes().contains(kind)) {
                Similar.nearest(kind, AlertKind.codes()).ifPresent(meant -> {
                    throw StartException.of(key, "there is no such alert kind; did you mean " + meant + "?");
                });
            }
            byKind.put(kind, to.equals(NONE) ? List.of() : recipients(key, to, settings));
        });
        settings.alerts()
                .toByProvider()
                .forEach((provider, to) ->
                        byProvider.put(provider, recipients(Settings.Alerts.keyOfProvider(provider), to, settings)));
        if (webhook.isPresent() && of(Channel.WEBHOOK, all()).isEmpty()) {
            throw StartException.of(
                    Settings.Alerts.WEBHOOK_URL,
                    "no recipients name it; add the word " + Settings.Alerts.WEBHOOK + ", as in " + Settings.Alerts.TO
                            + "=ops@example.org, " + Settings.Alerts.WEBHOOK);
        }
        this.from = sender(settings, !addresses().isEmpty());
    }

    /** @param used whether there is a mail that it sends */
    private static InternetAddress sender(Settings settings, boolean used) {
        String value = settings.alerts().from();
        List<InternetAddress> addresses = addresses(Settings.Alerts.FROM, value);
        if (addresses.size() > 1) {
            throw StartException.of(Settings.Alerts.FROM, "is more than one address");
        }
        validate(Settings.Alerts.FROM, value, addresses.get(0));
        if (used) {
            check(Settings.Alerts.FROM, addresses.get(0).getAddress(), settings);
        }
        return addresses.get(0);
    }

    private static List<InternetAddress> recipients(String key, String value, Settings settings) {
        List<InternetAddress> recipients = addresses(key, value);
        for (InternetAddress recipient : recipients) {
            if (isWebhook(recipient)) {
                recipient.setAddress(Settings.Alerts.WEBHOOK);
                if (settings.alerts().webhook().isEmpty()) {
                    throw StartException.of(
                            key, "names " + Settings.Alerts.WEBHOOK + ", which needs " + Settings.Alerts.WEBHOOK_URL);
                }
            } else {
                validate(key, value, recipient);
                check(key, recipient.getAddress(), settings);
            }
        }
        return recipients;
    }

    private static boolean isWebhook(InternetAddress recipient) {
        return recipient.getPersonal() == null && recipient.getAddress().equalsIgnoreCase(Settings.Alerts.WEBHOOK);
    }

    private static void validate(String key, String value, InternetAddress address) {
        try {
            address.validate();
        } catch (AddressException e) {
            throw noAddress(key, value, e);
        }
    }

    private static StartException noAddress(String key, String value, AddressException e) {
        if (value.contains("://")) {
            return StartException.of(
                    key,
                    "has a URL, which is no mail address (the value is not shown); set " + Settings.Alerts.WEBHOOK_URL
                            + " to it, and write " + Settings.Alerts.WEBHOOK + " here");
        }
        return StartException.of(key, "'" + value + "' is not a mail address (" + e.getMessage() + ")");
    }

    /** What a value names, each once; not empty. */
    private static List<InternetAddress> addresses(String key, String value) {
        Map<String, InternetAddress> addresses = new LinkedHashMap<>();
        try {
            for (InternetAddress address : InternetAddress.parse(value, true)) {
                addresses.putIfAbsent(address.getAddress().toLowerCase(Locale.ROOT), address);
            }
        } catch (AddressException e) {
            throw noAddress(key, value, e);
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

    /** The recipients of a channel. */
    static List<InternetAddress> of(Channel channel, List<InternetAddress> recipients) {
        return recipients.stream()
                .filter(recipient -> Channel.of(recipient) == channel)
                .toList();
    }

    /** A recipient, in lower case, as it may be shown. */
    String describe(String recipient) {
        return recipient.equals(Settings.Alerts.WEBHOOK) && webhook.isPresent()
                ? "the webhook at " + webhook.get().host()
                : recipient;
    }

    /** Whether the settings name a mail address. */
    public boolean hasAddresses() {
        return !addresses().isEmpty();
    }

    /** All mail addresses that the settings name, each once. */
    List<InternetAddress> addresses() {
        return of(Channel.MAIL, all());
    }

    /** All recipients that the settings name, each once. */
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
