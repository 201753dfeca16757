// SPDX-License-Identifier: Apache-2.0
/** Text from outside, for messages. */
package io.sluice.config.text;
