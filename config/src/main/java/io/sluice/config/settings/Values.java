// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.settings;

import io.sluice.config.model.Cidr;
import io.sluice.config.model.IpAddress;
import io.sluice.config.model.PortRange;
import io.sluice.config.model.Protocol;
import io.sluice.config.model.RawValue;
import io.sluice.config.text.Text;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Collectors;

/** The types that settings have. */
final class Values {
  private static final Pattern DURATION_PART =
      Pattern.compile("([0-9]+(?:\\.[0-9]+)?)(ms|us|ns|s|m|h)");
  private static final Pattern FAILSAFE =
      Pattern.compile(
          "(?:(?<proto>[A-Za-z]+):)?(?:(?<net>\\[[^\\]]*\\]|[0-9./]+):)?(?<port>[0-9]{1,5})");
  private static final Duration LONGEST = Duration.ofDays(3650);

  private Values() {}

  /** One text, whatever it is. */
  static ValueType<String> text() {
    return scalar(t -> t);
  }

  static ValueType<Boolean> bool() {
    return scalar(
        t ->
            switch (t.toLowerCase(Locale.ROOT)) {
              case "true", "yes", "on", "1" -> true;
              case "false", "no", "off", "0" -> false;
              default -> throw bad(t, "neither true nor false");
            });
  }

  /** A whole number, decimal or with 0x, both bounds included. */
  static ValueType<Long> number(long least, long most) {
    return scalar(t -> number(t, least, most));
  }

  static long number(String text, long least, long most) {
    long value;
    try {
      boolean hex = text.startsWith("0x") || text.startsWith("0X");
      value = hex ? Long.parseLong(text.substring(2), 16) : Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw bad(text, "not a whole number");
    }
    if (value < least || value > most) {
      throw new IllegalArgumentException(text + " is not in " + least + ".." + most);
    }
    return value;
  }

  static ValueType<Integer> integer(int least, int most) {
    return scalar(t -> (int) number(t, least, most));
  }

  /** A virtual network, of 24 bits, that is not the dataplane's other one (ENC-1). */
  static ValueType<Integer> overlayVni(int other) {
    return scalar(
        t -> {
          long vni = number(t, 1, (1 << 24) - 1);
          if (vni == other) {
            throw new IllegalArgumentException(
                t + " is what traffic from outside is forwarded by, write another number");
          }
          return (int) vni;
        });
  }

  /** Go's form, 1h30m, 90s, 500ms; a number alone is seconds. */
  static ValueType<Duration> duration() {
    return scalar(Values::duration);
  }

  private static Duration duration(String text) {
    if (text.matches("[0-9]{1,12}(\\.[0-9]{1,9})?")) {
      return bounded(text, new BigDecimal(text).movePointRight(9));
    }
    BigDecimal nanos = BigDecimal.ZERO;
    Matcher part = DURATION_PART.matcher(text);
    int end = 0;
    while (end < text.length() && text.length() < 64 && part.find(end) && part.start() == end) {
      nanos = nanos.add(new BigDecimal(part.group(1)).multiply(unit(part.group(2))));
      end = part.end();
    }
    if (end == 0 || end < text.length()) {
      throw bad(text, "not a duration, write 90s, 5m or 1h30m");
    }
    return bounded(text, nanos);
  }

  private static BigDecimal unit(String name) {
    return BigDecimal.valueOf(
        switch (name) {
          case "ns" -> 1L;
          case "us" -> 1_000L;
          case "ms" -> 1_000_000L;
          case "s" -> 1_000_000_000L;
          case "m" -> 60_000_000_000L;
          default -> 3_600_000_000_000L;
        });
  }

  private static Duration bounded(String text, BigDecimal nanos) {
    if (nanos.compareTo(BigDecimal.valueOf(LONGEST.toNanos())) > 0) {
      throw new IllegalArgumentException(text + " is longer than ten years");
    }
    return Duration.ofNanos(nanos.longValue());
  }

  static ValueType<PortRange> portRange() {
    return scalar(PortRange::parse);
  }

  static ValueType<IpAddress> address() {
    return scalar(IpAddress::parse);
  }

  static ValueType<Cidr> cidr() {
    return scalar(Cidr::parseNetwork);
  }

  static ValueType<Pattern> regex() {
    return scalar(
        t -> {
          try {
            return Pattern.compile(t);
          } catch (PatternSyntaxException e) {
            throw bad(t, "not a regular expression: " + e.getDescription());
          }
        });
  }

  /** What may be left out: an empty text is no value. */
  static <T> ValueType<Optional<T>> optional(ValueType<T> type) {
    return raw ->
        raw instanceof RawValue.Scalar s && s.text().isEmpty()
            ? Optional.empty()
            : Optional.of(type.parse(raw));
  }

  /** One of an enum's constants, in any case, with or without underscores. */
  static <E extends Enum<E>> ValueType<E> choice(Class<E> type) {
    return scalar(
        t -> {
          for (E constant : type.getEnumConstants()) {
            if (wireName(constant).equalsIgnoreCase(t)) {
              return constant;
            }
          }
          throw bad(
              t,
              "none of "
                  + Arrays.stream(type.getEnumConstants())
                      .map(Values::wireName)
                      .collect(Collectors.joining(", ")));
        });
  }

  /** The constant's name without underscores, words of up to three letters in capitals. */
  static String wireName(Enum<?> constant) {
    return Arrays.stream(constant.name().split("_"))
        .map(
            w ->
                w.matches("TC|TCX|TCP|DSR|BPF|IP|L2")
                    ? w
                    : w.equals("IPS")
                        ? "IPs"
                        : w.charAt(0) + w.substring(1).toLowerCase(Locale.ROOT))
        .collect(Collectors.joining());
  }

  /** A list, or a text with commas between the items; empty items do not count. */
  static <T> ValueType<List<T>> list(ValueType<T> item) {
    return raw -> {
      List<String> texts;
      if (raw instanceof RawValue.Items items) {
        texts = items.items();
      } else if (raw instanceof RawValue.Scalar s) {
        texts = s.text().equalsIgnoreCase("none") ? List.of() : List.of(s.text().split(",", -1));
      } else {
        throw new IllegalArgumentException("is a map, not a list");
      }
      List<T> values = new ArrayList<>();
      for (String text : texts) {
        if (!text.isBlank()) {
          values.add(item.parse(new RawValue.Scalar(text.strip())));
        }
      }
      return List.copyOf(values);
    };
  }

  /** Texts by name; from one text as {@code name=text,name=text}. */
  static ValueType<Map<String, String>> map() {
    return raw -> {
      if (raw instanceof RawValue.Entries entries) {
        return entries.entries();
      }
      if (raw instanceof RawValue.Scalar s) {
        Map<String, String> map = new LinkedHashMap<>();
        for (String entry : s.text().isBlank() ? new String[0] : s.text().split(",", -1)) {
          int equals = entry.indexOf('=');
          if (equals < 1) {
            throw bad(entry, "not name=value");
          }
          map.put(entry.substring(0, equals).strip(), entry.substring(equals + 1).strip());
        }
        return Map.copyOf(map);
      }
      throw new IllegalArgumentException("is a list, not a map");
    };
  }

  /** {@code tcp:22}, {@code udp:10.0.0.0/8:53}, {@code tcp:[fd00::/8]:22}; 22 alone is TCP. */
  static ValueType<FailsafePort> failsafePort() {
    return scalar(
        t -> {
          Matcher m = FAILSAFE.matcher(t);
          if (!m.matches()) {
            throw bad(t, "not protocol:port or protocol:network:port");
          }
          String name = m.group("proto") == null ? "TCP" : m.group("proto");
          Protocol protocol =
              Arrays.stream(Protocol.values())
                  .filter(p -> p.name().equalsIgnoreCase(name))
                  .findFirst()
                  .orElseThrow(() -> bad(name, "none of tcp, udp, sctp"));
          Optional<Cidr> net =
              Optional.ofNullable(m.group("net"))
                  .map(n -> Cidr.parseNetwork(n.replaceAll("[\\[\\]]", "")));
          return new FailsafePort(protocol, net, (int) number(m.group("port"), 1, PortRange.MAX));
        });
  }

  /** Names that may end in {@code +} for any ending. */
  static ValueType<String> interfaceName() {
    return scalar(
        t -> {
          if (!t.matches("[^\\s/:+]{1,15}\\+?|\\+")) {
            throw bad(t, "not the name of an interface");
          }
          return t;
        });
  }

  /** Bits of packet marks, none of them among the reserved ones. */
  static ValueType<Long> markMask(long reserved) {
    return scalar(
        t -> {
          long mask = number(t, 1, 0xffffffffL);
          if ((mask & reserved) != 0) {
            throw new IllegalArgumentException(
                String.format(
                    "%s overlaps 0x%08x, the marks of the dataplane, write 0x%08x",
                    t, reserved, mask & ~reserved));
          }
          return mask;
        });
  }

  static ValueType<ConntrackTimeouts> conntrackTimeouts() {
    return raw -> {
      Map<String, String> given = new LinkedHashMap<>(map().parse(raw));
      Function<String[], Optional<Duration>> take =
          nameAndDefault -> timeout(given, nameAndDefault[0], nameAndDefault[1]);
      ConntrackTimeouts timeouts =
          new ConntrackTimeouts(
              take.apply(new String[] {"creationGracePeriod", "10s"}),
              take.apply(new String[] {"tcpSynSent", "20s"}),
              take.apply(new String[] {"tcpEstablished", "1h"}),
              take.apply(new String[] {"tcpFinsSeen", "Auto"}),
              take.apply(new String[] {"tcpResetSeen", "40s"}),
              take.apply(new String[] {"udpTimeout", "60s"}),
              take.apply(new String[] {"genericTimeout", "10m"}),
              take.apply(new String[] {"icmpTimeout", "5s"}));
      if (!given.isEmpty()) {
        throw new IllegalArgumentException(
            "has no timeout " + Text.quote(given.keySet().iterator().next()));
      }
      return timeouts;
    };
  }

  private static Optional<Duration> timeout(Map<String, String> given, String name, String none) {
    String text = Optional.ofNullable(given.remove(name)).orElse(none);
    if (text.equalsIgnoreCase("auto")) {
      return Optional.empty();
    }
    try {
      return Optional.of(duration(text));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }

  private static <T> ValueType<T> scalar(Function<String, T> parse) {
    return raw -> {
      if (raw instanceof RawValue.Scalar s) {
        return parse.apply(s.text().strip());
      }
      throw new IllegalArgumentException(
          "is a " + (raw instanceof RawValue.Items ? "list" : "map") + ", not one value");
    };
  }

  private static IllegalArgumentException bad(String text, String what) {
    return new IllegalArgumentException(Text.quote(text) + " is " + what);
  }
}
