package dev.callboard;

import dev.callboard.alert.Chat;
import dev.callboard.alert.MailServer;
import dev.callboard.db.Database;
import dev.callboard.event.Listeners;
import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The six lines that Callboard logs once it takes callbacks: where everything is, and who is admitted. If somebody listens to
 * events, there is one more.
 */
final class StartupReport {
    private final Settings settings;
    private final boolean sendsMails;

    /** @param sendsMails whether an address is among the recipients of alerts */
    StartupReport(Settings settings, boolean sendsMails) {
        this.settings = settings;
        this.sendsMails = sendsMails;
    }

    /** The lines; none of them shows a token or a password. */
    List<String> lines() {
        List<String> lines = new ArrayList<>(List.of(
                "Callbacks: " + callbackUrls(),
                "Admitted:  " + admitted(),
                "Database:  " + Database.location(settings.database().url()),
                "Mails:     " + (sendsMails ? MailServer.describe(settings) : "none") + chat(),
                "Routes:    " + settings.routes().pattern() + "; " + lookups(),
                "Manage:    " + settings.management().url() + "/tasks, /observe/health, /observe/metrics"));
        if (Listeners.listen(settings)) {
            lines.add(4, "Events:    " + events());
        }
        return lines;
    }

    /** The URLs to give to each provider. */
    private String callbackUrls() {
        List<String> urls = new ArrayList<>();
        settings.providers()
                .forEach((name, provider) -> urls.add(settings.http().url() + "/callbacks/" + name
                        + (provider.tokens().isEmpty() ? "" : "?token=<callboard." + name + ".token>")));
        return String.join(", ", urls);
    }

    private String admitted() {
        List<String> parts = new ArrayList<>();
        settings.providers()
                .forEach((name, provider) -> parts.add(name + " from " + sources(provider)
                        + (provider.tokens().isEmpty() ? " without a token" : " with a token")));
        if (!settings.trustedProxies().isEmpty()) {
            parts.add("through the proxies "
                    + settings.trustedProxies().stream()
                            .map(AddressRange::toString)
                            .collect(Collectors.joining(", ")));
        }
        return String.join("; ", parts);
    }

    private String chat() {
        String chat = Chat.describe(settings);
        return chat.isEmpty() ? "" : "; chat at " + chat;
    }

    /** Without the path of the URL, which may be secret. */
    private String events() {
        return settings.events()
                .url()
                .map(url -> "to " + url.getHost() + (url.getPort() < 0 ? "" : ":" + url.getPort())
                        + (settings.events().secrets().isEmpty() ? ", not signed" : ", signed"))
                .orElse("to the route on-task-change");
    }

    private String lookups() {
        return settings.providers().entrySet().stream()
                .map(entry -> entry.getValue().lookups().apiKey().isPresent()
                        ? entry.getKey() + " is asked about late tasks"
                        : entry.getKey() + " is not asked (callboard." + entry.getKey() + ".api-key is not set)")
                .collect(Collectors.joining(", "));
    }

    private String sources(Settings.Provider provider) {
        List<String> sources = new ArrayList<>(provider.sources());
        if (settings.trial()) {
            sources.add("this machine");
        }
        return sources.isEmpty() ? "nobody" : String.join(", ", sources);
    }
}
