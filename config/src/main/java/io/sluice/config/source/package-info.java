// SPDX-License-Identifier: Apache-2.0
/** Where resources come from, and the complete view of them that a source hands on. */
package io.sluice.config.source;
