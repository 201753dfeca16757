// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import io.sluice.config.text.Text;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.AliasEvent;
import org.yaml.snakeyaml.events.DocumentStartEvent;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.events.MappingStartEvent;
import org.yaml.snakeyaml.events.NodeEvent;
import org.yaml.snakeyaml.events.ScalarEvent;
import org.yaml.snakeyaml.events.SequenceStartEvent;
import org.yaml.snakeyaml.parser.Parser;
import org.yaml.snakeyaml.parser.ParserImpl;
import org.yaml.snakeyaml.reader.StreamReader;

/**
 * Trees from YAML, one for each document of a text. It works on the parser's events, because those
 * alone carry lines and cost nothing beyond the text's own size; what aliases stand for is counted
 * before anybody walks it.
 */
final class YamlTrees {
  private static final String MERGE = "<<";
  private static final String TAG = "tag:yaml.org,2002:";
  private static final Map<String, Tree.Type> SCALAR_TAGS =
      Map.of(
          TAG + "str", Tree.Type.TEXT,
          TAG + "int", Tree.Type.INT,
          TAG + "float", Tree.Type.FLOAT,
          TAG + "bool", Tree.Type.BOOL,
          TAG + "null", Tree.Type.NULL);
  private static final Set<String> OTHER_TAGS = Set.of("!", TAG + "map", TAG + "seq");

  private final Parser parser;
  private final TreeBuilder builder;
  private final int firstLine;
  private final Map<String, Tree> anchors = new HashMap<>();

  private YamlTrees(String text, int firstLine, Limits limits) {
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(Integer.MAX_VALUE); // the file's size has been checked
    this.parser = new ParserImpl(new StreamReader(text), options);
    this.builder = new TreeBuilder(limits);
    this.firstLine = firstLine;
  }

  /**
   * Reads all documents of a text.
   *
   * @param firstLine the line of the file that the text begins on
   * @param into where each goes as soon as it is complete: what comes before a fault counts
   */
  static void read(String text, int firstLine, Limits limits, List<Tree> into)
      throws TreeException {
    try {
      new YamlTrees(text, firstLine, limits).documents(into);
    } catch (MarkedYAMLException e) {
      int line = e.getProblemMark() == null ? 0 : e.getProblemMark().getLine();
      throw new TreeException(firstLine + line, "is not YAML: " + oneLine(e.getProblem()));
    } catch (YAMLException e) {
      throw new TreeException(firstLine, "is not YAML: " + oneLine(e.getMessage()));
    } catch (RuntimeException e) {
      // The parser meets some malformed escapes and directives with exceptions of other types.
      throw new TreeException(firstLine, "is not YAML");
    }
  }

  private static String oneLine(String reason) {
    return reason == null ? "its syntax is wrong" : Text.firstLine(reason);
  }

  private void documents(List<Tree> documents) throws TreeException {
    while (parser.peekEvent() != null) {
      Event event = parser.getEvent();
      if (event instanceof DocumentStartEvent) {
        anchors.clear();
        Tree document = value(parser.getEvent(), 1);
        parser.getEvent(); // its end, which may not be there: then it was no document
        documents.add(document);
      }
    }
  }

  private Tree value(Event event, int depth) throws TreeException {
    int line = line(event);
    builder.checkDepth(depth, line);
    if (event instanceof AliasEvent alias) {
      return resolve(alias, line);
    }
    String anchor = ((NodeEvent) event).getAnchor();
    if (anchor != null) {
      anchors.put(anchor, null); // known, but not yet complete
    }
    Tree tree;
    if (event instanceof ScalarEvent scalar) {
      tree = scalar(scalar, line);
    } else if (event instanceof SequenceStartEvent start) {
      checkTag(start.getTag(), line);
      tree = sequence(line, depth);
    } else {
      checkTag(((MappingStartEvent) event).getTag(), line);
      tree = mapping(line, depth);
    }
    if (anchor != null) {
      anchors.put(anchor, tree);
    }
    return tree;
  }

  private Tree resolve(AliasEvent alias, int line) throws TreeException {
    Tree tree = anchors.get(alias.getAnchor());
    if (tree == null) {
      String reason =
          anchors.containsKey(alias.getAnchor())
              ? " stands for what contains it"
              : " is not defined before its use";
      throw new TreeException(line, "the alias " + Text.quote(alias.getAnchor()) + reason);
    }
    return tree;
  }

  private Tree sequence(int line, int depth) throws TreeException {
    var sequence = builder.new SequenceInProgress(line);
    Event event = parser.getEvent();
    while (!event.is(Event.ID.SequenceEnd)) {
      int itemLine = line(event);
      sequence.add(value(event, depth + 1), itemLine);
      event = parser.getEvent();
    }
    return sequence.done();
  }

  private Tree mapping(int line, int depth) throws TreeException {
    var mapping = builder.new MappingInProgress(line);
    List<Tree> merged = new ArrayList<>();
    Event event = parser.getEvent();
    while (!event.is(Event.ID.MappingEnd)) {
      int keyLine = line(event);
      if (!(value(event, depth + 1) instanceof Tree.Scalar key)) {
        throw new TreeException(keyLine, "has a map or a list as a field name");
      }
      Tree value = value(parser.getEvent(), depth + 1);
      if (key.text().equals(MERGE)) {
        merged.add(value);
      } else {
        mapping.add(key.text(), value, keyLine);
      }
      event = parser.getEvent();
    }
    for (Tree value : merged) {
      merge(mapping, value);
    }
    return mapping.done();
  }

  private static void merge(TreeBuilder.MappingInProgress mapping, Tree value)
      throws TreeException {
    List<Tree> sources = value instanceof Tree.Sequence list ? list.items() : List.of(value);
    for (Tree source : sources) {
      if (!(source instanceof Tree.Mapping map)) {
        throw new TreeException(value.line(), "merges (<<) what is not a map");
      }
      mapping.merge(map, value.line());
    }
  }

  private static Tree scalar(ScalarEvent event, int line, Tree.Type type) {
    return new Tree.Scalar(event.getValue(), type, line);
  }

  private Tree scalar(ScalarEvent event, int line) throws TreeException {
    String tag = event.getTag();
    if (tag != null && SCALAR_TAGS.containsKey(tag)) {
      Tree.Type type = SCALAR_TAGS.get(tag);
      Tree.Type found = Scalars.type(event.getValue());
      if (type != Tree.Type.TEXT && type != found) {
        throw new TreeException(line, Text.quote(event.getValue()) + " is not what its tag says");
      }
      return scalar(event, line, type);
    }
    checkTag(tag, line);
    boolean plain = event.getScalarStyle() == ScalarStyle.PLAIN && tag == null;
    return scalar(event, line, plain ? Scalars.type(event.getValue()) : Tree.Type.TEXT);
  }

  private static void checkTag(String tag, int line) throws TreeException {
    if (tag != null && !OTHER_TAGS.contains(tag)) {
      throw new TreeException(
          line, "has the tag " + Text.quote(tag) + ", which means nothing here");
    }
  }

  private int line(Event event) {
    return firstLine + event.getStartMark().getLine();
  }
}
