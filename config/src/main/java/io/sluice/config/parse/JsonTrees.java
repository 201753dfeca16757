// SPDX-License-Identifier: Apache-2.0
package io.sluice.config.parse;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import io.sluice.config.parse.Tree.Type;
import io.sluice.config.text.Text;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** Trees from and to JSON. */
final class JsonTrees {
  private static final JsonFactory FACTORY = new JsonFactory();

  private final JsonParser parser;
  private final TreeBuilder builder;

  private JsonTrees(JsonParser parser, Limits limits) {
    this.parser = parser;
    this.builder = new TreeBuilder(limits);
  }

  /**
   * Reads the values of a text, one after the other.
   *
   * @param into where each goes as soon as it is complete: what comes before a fault counts
   */
  static void read(String text, Limits limits, List<Tree> into) throws TreeException {
    try (JsonParser parser = FACTORY.createParser(text)) {
      JsonTrees trees = new JsonTrees(parser, limits);
      while (parser.nextToken() != null) {
        into.add(trees.value(1));
      }
    } catch (JsonProcessingException e) {
      int line = e.getLocation() == null ? 0 : Math.max(0, e.getLocation().getLineNr());
      throw new TreeException(line, "is not JSON: " + Text.firstLine(e.getOriginalMessage()));
    } catch (IOException e) {
      throw new UncheckedIOException("a text that cannot be read", e);
    }
  }

  private Tree value(int depth) throws IOException, TreeException {
    int line = line();
    builder.checkDepth(depth, line);
    JsonToken token = parser.currentToken();
    return switch (token) {
      case START_OBJECT -> {
        var mapping = builder.new MappingInProgress(line);
        while (parser.nextToken() != JsonToken.END_OBJECT) {
          int nameLine = line();
          String name = parser.currentName();
          parser.nextToken();
          mapping.add(name, value(depth + 1), nameLine);
        }
        yield mapping.done();
      }
      case START_ARRAY -> {
        var sequence = builder.new SequenceInProgress(line);
        while (parser.nextToken() != JsonToken.END_ARRAY) {
          sequence.add(value(depth + 1), line());
        }
        yield sequence.done();
      }
      case VALUE_NULL -> new Tree.Scalar("", Type.NULL, line);
      case VALUE_TRUE, VALUE_FALSE -> new Tree.Scalar(parser.getText(), Type.BOOL, line);
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {
        Type type = Scalars.type(parser.getText());
        boolean number = type == Type.INT || type == Type.FLOAT;
        if (!number) {
          throw new TreeException(line, "has a number of too many digits");
        }
        yield new Tree.Scalar(parser.getText(), type, line);
      }
      default -> new Tree.Scalar(parser.getText(), Type.TEXT, line);
    };
  }

  private int line() {
    return parser.currentTokenLocation().getLineNr();
  }

  /** A tree as JSON without white space. */
  static String write(Tree tree) {
    StringWriter out = new StringWriter();
    try (JsonGenerator generator = FACTORY.createGenerator(out)) {
      write(tree, generator);
    } catch (IOException e) {
      throw new UncheckedIOException("a text that cannot be written", e);
    }
    return out.toString();
  }

  private static void write(Tree tree, JsonGenerator out) throws IOException {
    if (tree instanceof Tree.Mapping mapping) {
      out.writeStartObject();
      for (Map.Entry<String, Tree> field : mapping.fields().entrySet()) {
        out.writeFieldName(field.getKey());
        write(field.getValue(), out);
      }
      out.writeEndObject();
    } else if (tree instanceof Tree.Sequence sequence) {
      out.writeStartArray();
      for (Tree item : sequence.items()) {
        write(item, out);
      }
      out.writeEndArray();
    } else {
      write((Tree.Scalar) tree, out);
    }
  }

  private static void write(Tree.Scalar scalar, JsonGenerator out) throws IOException {
    String text = scalar.text();
    switch (scalar.type()) {
      case NULL -> out.writeNull();
      case BOOL -> out.writeBoolean(Boolean.parseBoolean(text));
      case INT -> {
        if (text.startsWith("0x")) {
          out.writeNumber(Long.parseLong(text.substring(2), 16));
        } else if (text.startsWith("0o")) {
          out.writeNumber(Long.parseLong(text.substring(2), 8));
        } else {
          out.writeNumber(text.startsWith("+") ? text.substring(1) : text);
        }
      }
      case FLOAT -> out.writeNumber(new BigDecimal(text));
      case TEXT -> out.writeString(text);
    }
  }
}
