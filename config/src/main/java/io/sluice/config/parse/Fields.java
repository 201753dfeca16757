// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.model.Spelling;
import io.sluice.config.parse.Tree.Type;
import io.sluice.config.text.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The fields of one map, read by name and type. What is wrong goes to the report, and reading goes
 * on with the default, so that all faults of a document are found at once. After the last field,
 * {@link #finish()} or {@link #finishOpen()} looks at those that nobody asked for.
 */
final class Fields {
  private final Tree.Mapping map;
  private final String path;
  private final Report report;
  private final Set<String> known = new LinkedHashSet<>();

  Fields(Tree.Mapping map, String path, Report report) {
    this.map = map;
    this.path = path;
    this.report = report;
  }

  int line() {
    return map.line();
  }

  /** The line of a field; the map's own where it is absent. */
  int line(String name) {
    Tree value = map.fields().get(name);
    return value == null ? map.line() : value.line();
  }

  boolean has(String name) {
    return raw(name).isPresent();
  }

  String pathOf(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  void error(String name, String reason) {
    report.error(line(name), pathOf(name), reason);
  }

  /** About a value in one of the fields, {@code ports[0]} for instance. */
  void errorAt(Tree value, String name, String reason) {
    report.error(value.line(), pathOf(name), reason);
  }

  void warning(String name, String reason) {
    report.warning(line(name), pathOf(name), reason);
  }

  void ignored(String name, String reason) {
    report.ignored(line(name), pathOf(name), reason);
  }

  /** The value as it stands; a null is as good as absent. */
  Optional<Tree> raw(String name) {
    known.add(name);
    Tree value = map.fields().get(name);
    boolean absent = value == null || value instanceof Tree.Scalar s && s.type() == Type.NULL;
    return absent ? Optional.empty() : Optional.of(value);
  }

  /** Empty where absent. */
  String text(String name) {
    return raw(name).map(v -> asText(v, pathOf(name))).orElse("");
  }

  /** As {@link #text}, but its absence is an error. */
  String required(String name) {
    Optional<Tree> value = raw(name);
    if (value.isEmpty()) {
      error(name, "is missing");
      return "";
    }
    String text = asText(value.get(), pathOf(name));
    if (value.get() instanceof Tree.Scalar s && s.type() == Type.TEXT && text.isEmpty()) {
      error(name, "is empty");
    }
    return text;
  }

  private String asText(Tree value, String at) {
    if (value instanceof Tree.Scalar s && s.type() == Type.TEXT) {
      return s.text();
    }
    String hint = value instanceof Tree.Scalar ? ", put it in quotes" : "";
    report.error(value.line(), at, "is " + value.what() + ", not a text" + hint);
    return "";
  }

  boolean flag(String name, boolean defaultValue) {
    Optional<Tree> value = raw(name);
    if (value.isEmpty()) {
      return defaultValue;
    }
    if (value.get() instanceof Tree.Scalar s) {
      if (s.type() == Type.BOOL) {
        return s.text().equalsIgnoreCase("true");
      }
      switch (s.text().toLowerCase(Locale.ROOT)) { // YAML 1.1's other names for them
        case "yes", "on":
          return true;
        case "no", "off":
          return false;
        default:
          break;
      }
    }
    error(name, "is " + value.get().what() + ", not true or false");
    return defaultValue;
  }

  /** A whole number within bounds, both included. */
  int number(String name, int least, int most, int defaultValue) {
    Optional<Tree> value = raw(name);
    if (value.isEmpty()) {
      return defaultValue;
    }
    if (!(value.get() instanceof Tree.Scalar s) || s.type() != Type.INT) {
      error(name, "is " + value.get().what() + ", not a whole number");
      return defaultValue;
    }
    long number;
    try {
      number = Long.decode(s.text().replace("0o", "0"));
    } catch (NumberFormatException e) {
      number = Long.MAX_VALUE;
    }
    if (number < least || number > most) {
      error(name, s.text() + " is not in " + least + ".." + most);
      return defaultValue;
    }
    return (int) number;
  }

  /** A number, with a fraction or without. */
  OptionalDouble decimal(String name) {
    Optional<Tree> value = raw(name);
    if (value.isEmpty()) {
      return OptionalDouble.empty();
    }
    if (value.get() instanceof Tree.Scalar s && (s.type() == Type.INT || s.type() == Type.FLOAT)) {
      try {
        double number = Double.parseDouble(s.text());
        if (Double.isFinite(number)) {
          return OptionalDouble.of(number);
        }
      } catch (NumberFormatException e) {
        // hexadecimal, for instance: nobody means it
      }
    }
    String what = value.get() instanceof Tree.Scalar s ? Text.quote(s.text()) : value.get().what();
    error(name, what + " is not a number");
    return OptionalDouble.empty();
  }

  /** One of an enum's constants by its {@code toString}. */
  <E extends Enum<E>> E choice(String name, Class<E> type, E defaultValue) {
    String text = text(name);
    if (text.isEmpty()) {
      return defaultValue;
    }
    for (E constant : type.getEnumConstants()) {
      if (constant.toString().equals(text)) {
        return constant;
      }
    }
    List<String> names = Arrays.stream(type.getEnumConstants()).map(E::toString).toList();
    error(name, Text.quote(text) + " is none of " + String.join(", ", names));
    return defaultValue;
  }

  /** What a parser makes of a text; absent where the text is, or where the parser refuses it. */
  <T> Optional<T> parsed(String name, Function<String, T> parser) {
    String text = text(name);
    return text.isEmpty() ? Optional.empty() : parse(text, line(name), pathOf(name), parser);
  }

  private <T> Optional<T> parse(String text, int line, String at, Function<String, T> parser) {
    try {
      return Optional.of(parser.apply(text));
    } catch (IllegalArgumentException e) {
      report.error(line, at, e.getMessage());
      return Optional.empty();
    }
  }

  /** The map below a name. */
  Optional<Fields> map(String name) {
    return raw(name).flatMap(v -> asFields(v, pathOf(name)));
  }

  /** The map below a name; one without fields where there is none. */
  Fields mapOrEmpty(String name) {
    return map(name)
        .orElseGet(
            () -> new Fields(new Tree.Mapping(Map.of(), line(name), 1), pathOf(name), report));
  }

  private Optional<Fields> asFields(Tree value, String at) {
    if (value instanceof Tree.Mapping mapping) {
      return Optional.of(new Fields(mapping, at, report));
    }
    report.error(value.line(), at, "is " + value.what() + ", not a map");
    return Optional.empty();
  }

  /** The items of a list; none where it is absent. */
  List<Tree> items(String name) {
    Optional<Tree> value = raw(name);
    if (value.isPresent() && value.get() instanceof Tree.Sequence sequence) {
      return sequence.items();
    }
    value.ifPresent(v -> error(name, "is " + v.what() + ", not a list"));
    return List.of();
  }

  /** The maps of a list, each read by a function that closes its fields itself. */
  <T> List<T> maps(String name, Function<Fields, Optional<T>> reader) {
    List<T> values = new ArrayList<>();
    List<Tree> items = items(name);
    for (int i = 0; i < items.size(); i++) {
      asFields(items.get(i), pathOf(name) + "[" + i + "]").flatMap(reader).ifPresent(values::add);
    }
    return values;
  }

  /** The texts of a list, each through a parser. */
  <T> List<T> list(String name, Function<String, T> parser) {
    List<T> values = new ArrayList<>();
    List<Tree> items = items(name);
    for (int i = 0; i < items.size(); i++) {
      String at = pathOf(name) + "[" + i + "]";
      Tree item = items.get(i);
      if (item instanceof Tree.Scalar s && s.type() == Type.TEXT) {
        parse(s.text(), s.line(), at, parser).ifPresent(values::add);
      } else {
        asText(item, at);
      }
    }
    return values;
  }

  /** Texts by name, labels for instance. */
  Map<String, String> texts(String name) {
    Map<String, String> texts = new LinkedHashMap<>();
    map(name)
        .ifPresent(
            fields ->
                fields
                    .map
                    .fields()
                    .forEach((k, v) -> texts.put(k, fields.asText(v, fields.pathOf(k)))));
    return texts;
  }

  /** The names of all fields, in the author's order. */
  Set<String> names() {
    return map.fields().keySet();
  }

  /** These exist, but say nothing about what Sluice does. */
  void skip(String... names) {
    known.addAll(Arrays.asList(names));
  }

  /** These exist, but this version does nothing about them. */
  void ignore(String... names) {
    for (String name : names) {
      if (has(name)) {
        ignored(name, "has no effect in this version");
      }
    }
  }

  /** Reports all other fields. */
  void finish() {
    rest(true);
  }

  /** As {@link #finish()}, but fields that resemble none that counts are not worth a word. */
  void finishOpen() {
    rest(false);
  }

  /**
   * As {@link #finish()}, where a field that has no effect could mean that more is allowed than its
   * author wants: other fields are errors.
   */
  void finishStrictly() {
    for (String name : others()) {
      Tree value = map.fields().get(name);
      String hint =
          Spelling.nearest(name, known).map(near -> ", did you mean " + near + "?").orElse("");
      report.error(
          value.line(), pathOf(shown(name)), "is not a field that Sluice can enforce" + hint);
    }
  }

  private Set<String> others() {
    return map.fields().keySet().stream()
        .filter(n -> !known.contains(n))
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  private void rest(boolean all) {
    for (String name : others()) {
      Tree value = map.fields().get(name);
      String at = pathOf(shown(name));
      Optional<String> meant =
          Spelling.nearest(name, known).filter(n -> !map.fields().containsKey(n));
      if (meant.isPresent()) {
        report.warning(
            value.line(), at, "is not a field, did you mean " + meant.get() + "? It has no effect");
      } else if (all) {
        report.ignored(value.line(), at, "is not a field that Sluice knows, it has no effect");
      }
    }
  }

  private static String shown(String name) {
    return name.matches("[A-Za-z0-9_./-]{1,60}") ? name : Text.quote(name);
  }
}
