package dev.callboard;

import dev.callboard.alert.Chat;
import dev.callboard.alert.MailServer;
import dev.callboard.db.Database;
import dev.callboard.event.Listeners;
import dev.callboard.settings.AddressRange;
import dev.callboard.settings.Settings;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The lines that Callboard logs once it takes callbacks: six that say where everything is and who is admitted, one more if
 * somebody listens to events, and some that say what to do next if nobody can call yet.
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

    /** What to do next on a first start; empty once a caller can get through. */
    List<String> nextSteps() {
        if (canBeCalled()) {
            return List.of();
        }
        String provider = settings.providerNames().contains("fotor")
                ? "fotor"
                : settings.providers().firstKey();
        String unset = settings.providers().entrySet().stream()
                .filter(entry -> entry.getValue().sources().isEmpty())
                .map(entry -> "callboard." + entry.getKey() + ".token and .allowed-sources=any")
                .collect(Collectors.joining(", "));
        return List.of(
                "Nobody can call yet: nothing is set in " + Settings.FILE + ". README.md explains it; in short:",
                "1. To try it, set callboard.trial=true there, start Callboard again, and act as a provider:",
                "   curl -i -H 'Content-Type: application/json' -d '{\"taskId\": \"try-1\", \"status\": 2}' "
                        + settings.http().url() + "/callbacks/" + provider,
                "   curl " + settings.management().url() + "/tasks shows the task; "
                        + (settings.mail().host().isEmpty()
                                ? settings.mail().directory() + " has the mail about it."
                                : "a mail tells about it."),
                "2. For real callbacks, put a reverse proxy with TLS in front, and its address into"
                        + " callboard.trusted-proxies"
                        + (unset.isEmpty() ? "." : "; set " + unset + "."),
                "   Then give each provider its URL of the first line, with https://<your domain> in place of "
                        + settings.http().url() + ".");
    }

    /** Whether a request can reach the port and be admitted: loopback is admitted in a trial or as a proxy only. */
    private boolean canBeCalled() {
        return settings.trial()
                || !settings.trustedProxies().isEmpty()
                || !AddressRange.isLoopbackName(settings.http().host())
                || settings.providers().values().stream()
                        .anyMatch(provider -> !provider.tokens().isEmpty()
                                || AddressRange.anyContains(
                                        provider.allowedSources(), InetAddress.getLoopbackAddress()));
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
